"""Channels that a mediator suggests become channels here, because somebody said so."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from common.errors import Invalid
from common.importing.loading import DOES_NOT_FIT, loaded, why
from common.importing.report import LeftOut
from common.logs import get_logger
from common.texts import _
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.scopes import SCOPES
from proxy.models import Channel, Mediator
from proxy.openhim.channels import OF_ROUTES, Translated, translated
from proxy.openhim.mediators import mediator_of
from proxy.openhim.reading import Document, text
from proxy.record.sealing import Sealer
from proxy.registry import channels
from proxy.registry.mediator_config import reveal
from proxy.schemas.channels import ChannelIn

log = get_logger(__name__)


@dataclass(frozen=True)
class Installed:
    """What became of one suggested channel: there, with what is otherwise, or why it is not."""

    name: str
    channel: Channel | None
    notes: list[str] = field(default_factory=list)


def suggested(mediator: Mediator) -> list[str]:
    """The names of the channels that a mediator suggests."""
    return [text(one, "name") for one in mediator.default_channels]


def install_channels(
    session: Session,
    sealer: Sealer,
    mediator: Mediator,
    names: Sequence[str],
    by: str,
    held: Collection[str] = SCOPES,
) -> list[Installed]:
    """Open the channels of these names (none: all) that `mediator` suggests.

    `by` asks for it, and holds `held`. One that has the name of a channel here is left alone.
    Raises Invalid for a name that the mediator does not suggest.
    """
    unknown = set(names) - set(suggested(mediator))
    if unknown:
        raise Invalid(_("The mediator suggests no channel %(name)s", name=sorted(unknown)[0][:100]))
    secrets = sealer.open_config(mediator.id, mediator.sealed_config)
    wanted = [
        reveal(one, secrets)
        for one in mediator.default_channels
        if not names or text(one, "name") in names
    ]
    done = [_installed(session, sealer, mediator, one, held) for one in wanted]
    log.info(
        "default_channels_installed",
        mediator=mediator.urn,
        channels=[one.name for one in done if one.channel is not None],
        by=by,
    )
    return done


def save_channel(
    session: Session,
    sealer: Sealer,
    found: Translated,
    *,
    preferred: Mediator | None = None,
    account: str = "",
    before: Channel | None = None,
    stays: bool = False,
    held: Collection[str] = SCOPES,
) -> Channel:
    """Open a translated channel, or change `before` to it, which `stays` where it leads.

    Raises LeftOut.
    """
    given = dict(found.fields)
    if stays:
        for name in OF_ROUTES & given.keys():
            del given[name]
    else:
        mediator = mediator_of(session, sealer, found.target, preferred, account, held)
        given["mediator_id"] = str(mediator.id)
    none = {name: None for name, value in given.items() if value is None}
    fields = {**none, **loaded(ChannelIn(only=tuple(given)), given)}
    try:
        with session.begin_nested():
            if before is None:
                return channels.create_channel(session, fields, sealer)
            return channels.update_channel(session, before.id, fields, sealer)
    except DOES_NOT_FIT as exc:
        raise LeftOut(why(exc)) from exc


def _installed(
    session: Session,
    sealer: Sealer,
    mediator: Mediator,
    document: Document,
    held: Collection[str],
) -> Installed:
    name = text(document, "name")
    known = session.scalar(select(Channel).where(Channel.name == name))
    if known is not None:
        return Installed(name, None, ["a channel of this name is here already"])
    try:
        found = translated(document)
        channel = save_channel(session, sealer, found, preferred=mediator, held=held)
    except LeftOut as exc:
        return Installed(name, None, [str(exc)])
    return Installed(name, channel, found.notes)
