"""Who of a campaign gets which words, and who is left out and why: the same decisions as of an
event, with the words that are approved, and one SMS for all people who would get it on one phone.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from common.db.sealed_types import keyed_digest
from msgspec import structs
from sqlalchemy.orm import Session

from notification.campaigns.people import recipient_of
from notification.emit.choose import Chooser, Directory, Draft
from notification.emit.emitting import load_directory
from notification.emit.merging import MERGED
from notification.models import (
    Campaign,
    CampaignRecipient,
    ChannelCode,
    Event,
    Rule,
    RuleChannel,
    Template,
)
from notification.models.campaigns import DIGEST_BYTES
from notification.models.catalogue import ALL

REACH = b"campaign reach "
NO_PHONE, NO_EMAIL = "No to_phone", "No to_email"
_NOWHERE = {ChannelCode.SMS: NO_PHONE, ChannelCode.EMAIL: NO_EMAIL}

Words = Mapping[str, Template]
"""Templates of one channel by their language."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person gets; without a draft `reason` says why it is nothing."""

    recipient_id: UUID
    draft: Draft | None
    reason: str | None
    #: Of its texts on its telephones.
    digests: Sequence[bytes] = ()


def choose(
    session: Session,
    campaign: Campaign,
    event: Event,
    words: Words,
    people: Sequence[CampaignRecipient],
    *,
    moment: datetime,
    region: str,
    skipped_after: int,
) -> list[Choice]:
    """What each of `people` gets, before texts to one phone are merged."""
    rule = _rule(campaign)
    ids = [one.user_id for one in people]
    found = load_directory(session, event, ids, [rule], skipped_after)
    templates = {(campaign.channel, language): one for language, one in words.items()}
    directory = replace(found, templates=templates)
    alike = Chooser(directory, campaign.context, moment, region)
    digest = partial(_digest, session, campaign.id)
    return [_choice(campaign, directory, alike, one, digest) for one in people]


def _rule(campaign: Campaign) -> Rule:
    """The campaign as a rule: everybody on its list, over its channel."""
    rule = Rule(
        id=campaign.id,
        event_code=campaign.event_code,
        recipient_policy=ALL,
        priority=campaign.priority,
    )
    rule.channels = [RuleChannel(channel=campaign.channel)]
    return rule


def _choice(
    campaign: Campaign,
    directory: Directory,
    alike: Chooser,
    person: CampaignRecipient,
    digest: Callable[[str], bytes],
) -> Choice:
    given = person.given or {}
    chooser = _chooser_for(alike, directory, given.get("values"))
    drafts, skips = len(chooser.drafts), len(chooser.skipped)
    chooser.choose([recipient_of(person.user_id, person.actor_type, given)])
    reason = next((one.reason for one in chooser.skipped[skips:]), None)
    draft = next(iter(chooser.drafts[drafts:]), None)
    if draft is not None and draft.to is None and draft.channel in _NOWHERE:
        return Choice(person.id, None, _NOWHERE[draft.channel])
    return Choice(person.id, draft, reason, digests_of(draft, digest))


def _chooser_for(alike: Chooser, directory: Directory, values: Mapping[str, Any] | None) -> Chooser:
    """People without values of their own get the same words, which are filled once."""
    if not values:
        return alike
    return Chooser(directory, {**alike.context, **values}, alike.moment, alike.region)


def digests_of(draft: Draft | None, digest: Callable[[str], bytes]) -> list[bytes]:
    """One of its text on each of an SMS's numbers. Pure."""
    if draft is None or draft.to is None or draft.channel is not ChannelCode.SMS:
        return []
    return [digest(f"{number}\n{draft.words.body}") for number in draft.to.split(",")]


def _digest(session: Session, campaign_id: UUID, text: str) -> bytes:
    """Of DIGEST_BYTES; who copies the database cannot try numbers out, where there is a key."""
    found = keyed_digest(session, REACH, f"{campaign_id}\n{text}")
    if found is not None:
        return found
    key = campaign_id.bytes
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES, key=key).digest()


def merged(choices: Sequence[Choice], reached: Set[bytes]) -> list[Choice]:
    """The choices, less texts on phones that have them: by `reached`, or an earlier choice. Pure.

    A number that somebody else's message reaches is left out; whose numbers all are is left out.
    """
    seen, found = set(reached), []
    for choice in choices:
        found.append(_without(choice, seen))
        seen.update(found[-1].digests)
    return found


def _without(choice: Choice, seen: Set[bytes]) -> Choice:
    draft = choice.draft
    if draft is None or draft.to is None or seen.isdisjoint(choice.digests):
        return choice
    pairs = zip(draft.to.split(","), choice.digests, strict=True)
    left = [(number, digest) for number, digest in pairs if digest not in seen]
    if not left:
        return Choice(choice.recipient_id, None, MERGED)
    numbers = ",".join(number for number, _ in left)
    digests = [digest for _, digest in left]
    return Choice(choice.recipient_id, structs.replace(draft, to=numbers), choice.reason, digests)
