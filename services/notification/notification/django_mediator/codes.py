"""What the mediator's numbers mean: its rows name channels, statuses and the like by their ids."""

from collections.abc import Mapping

from common.importing.report import LeftOut
from common.importing.source import Source, SourceTable

from notification.django_mediator import tables
from notification.models import ChannelCode


class Codes:
    """The codes of each of the mediator's vocabularies, by their ids there."""

    def __init__(self, source: Source) -> None:
        def codes_of(table: SourceTable) -> Mapping[int, str]:
            return {row["id"]: row["code"] for row in source.rows(table)}

        self.modules = codes_of(tables.MODULES)
        self.channels = codes_of(tables.CHANNELS)
        self.statuses = codes_of(tables.STATUSES)
        self.priorities = codes_of(tables.PRIORITIES)
        self.actor_types = codes_of(tables.ACTOR_TYPES)

    def channel(self, id_: int) -> ChannelCode:
        """The channel of this id. Raises LeftOut for one that Kiungo has not."""
        code = self.channels.get(id_, str(id_))
        if code not in set(ChannelCode):
            raise LeftOut(f"its channel {code} is none of Kiungo's")
        return ChannelCode(code)


def meant(codes: Mapping[int, str], id_: int, what: str) -> str:
    """The code of this id. Raises LeftOut where the mediator has none."""
    found = codes.get(id_)
    if found is None:
        raise LeftOut(f"its {what} {id_} is not there")
    return found
