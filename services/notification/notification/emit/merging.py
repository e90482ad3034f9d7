"""Two people with one telephone hear the same text once. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.texts import N_
from msgspec.structs import replace

from notification.emit.choose import Draft
from notification.models import ChannelCode

MERGED = N_("Same text to the same phone (recipients_merged)")


@dataclass(frozen=True, slots=True)
class Merged:
    """A draft whose numbers all get its text from another one: `kept[into]`."""

    draft: Draft
    into: int


def merge(drafts: Sequence[Draft]) -> tuple[list[Draft], list[Merged]]:
    """The drafts that are sent, in their order, and those that others stand for.

    Of two that say the same to a number the more urgent one is sent; a number that another draft
    reaches is left out of this one.
    """
    owners: dict[tuple[str, str], int] = {}
    whole: dict[int, Draft] = {}
    stands_for: dict[int, int] = {}
    for place in sorted(range(len(drafts)), key=lambda place: drafts[place].rank):
        draft = drafts[place]
        numbers = _numbers(draft)
        body = draft.words.body
        taken = {}
        for one in numbers:
            owner = owners.setdefault((one, body), place)
            if owner != place and not _is_repeated(drafts[owner], draft):
                taken[one] = owner
        if not taken:
            whole[place] = draft
            continue
        left = [one for one in numbers if one not in taken]
        if left:
            whole[place] = replace(draft, to=",".join(left))
        else:
            stands_for[place] = taken[numbers[0]]
    places = {place: index for index, place in enumerate(sorted(whole))}
    merged = [Merged(drafts[one], places[into]) for one, into in sorted(stands_for.items())]
    return [whole[place] for place in places], merged


def _numbers(draft: Draft) -> list[str]:
    """None of a cascade: its next channel goes by what became of this person's own SMS."""
    is_alone = draft.rule.cascade_after_s is not None
    return draft.to.split(",") if draft.to and _is_sms(draft) and not is_alone else []


def _is_sms(draft: Draft) -> bool:
    return draft.channel is ChannelCode.SMS


def _is_repeated(earlier: Draft, later: Draft) -> bool:
    """The same person by the same rule: their idempotency key says so."""
    same = earlier.recipient.user_id, earlier.recipient.actor_type, earlier.rule.id
    return same == (later.recipient.user_id, later.recipient.actor_type, later.rule.id)
