"""Why a person gets a message of an event or not: event, rule, preference, template, attempts.

Judged by what is on record now, with the same decisions as an emission.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from common.texts import N_
from sqlalchemy import select
from sqlalchemy.orm import Session

from notification.catalogue.lookups import active_actor_types
from notification.catalogue.preferences import DEFAULT_PREFERENCES, Person, read_preference
from notification.emit.choose import (
    NO_CHANNELS,
    NO_TEMPLATE,
    NOBODY_MATCHED,
    Directory,
    choose_template,
    concerns,
    not_before,
    unknown_actor_type,
    usable_channels,
    why_not,
)
from notification.emit.emitting import load_directory
from notification.emit.render import names
from notification.errors import UnknownEvent, UnknownRecord
from notification.models import (
    ChannelCode,
    DeliveryLog,
    Event,
    OutboxMessage,
    Preference,
    Rule,
    Template,
)

RULE_INACTIVE = N_("The rule is not active")
#: The newest messages that are told of.
MAX_MESSAGES = 20


class Step(StrEnum):
    """Where a way from an event to a person ends."""

    EVENT = "event"
    RULE = "rule"
    PREFERENCE = "preference"
    TEMPLATE = "template"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A rule's channel to a person: where it ends and why, or the template that would be used."""

    rule_id: uuid.UUID
    actor_type: str
    channel: ChannelCode | None = None
    stopped_at: Step | None = None
    reason: str | None = None
    template: Template | None = None
    not_before: datetime | None = None

    @property
    def placeholders(self) -> list[str]:
        """What an emission's context must hold."""
        return names(self.template.subject + self.template.body) if self.template else []


@dataclass(frozen=True)
class MessageHistory:
    """A message that was made, and every attempt to bring it there."""

    message: OutboxMessage
    attempts: Sequence[DeliveryLog]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What is on record about an event and a person."""

    event_code: str
    is_event_active: bool
    user_id: str
    rules: Sequence[Rule]
    preferences: Sequence[Preference]
    decisions: Sequence[Decision]
    messages: Sequence[MessageHistory]


def explain_event(
    session: Session, event_code: str, user_id: str, actor_type: str | None, now: datetime
) -> Explanation:
    """What an event means to a person, and the newest messages it made. Raises UnknownEvent.

    Without an actor type: to everybody who has this user id.
    """
    event = session.scalar(select(Event).where(Event.code == event_code))
    if event is None:
        raise UnknownEvent
    rules = session.scalars(select(Rule).where(Rule.event_code == event_code).order_by(Rule.id))
    message = OutboxMessage
    theirs = [message.event_code == event_code, message.recipient_user_id == user_id]
    if actor_type is not None:
        theirs.append(message.recipient_actor_type == actor_type)
    messages = session.scalars(
        select(message).where(*theirs).order_by(message.id.desc()).limit(MAX_MESSAGES)
    ).all()
    actor_types = [actor_type] if actor_type else _actor_types(session, user_id, messages)
    return _explain(session, event, rules.all(), user_id, actor_types, messages, now)


def explain_message(session: Session, outbox_id: uuid.UUID, now: datetime) -> Explanation:
    """What became of a message, and what its way would be now.

    Raises UnknownRecord, UnknownEvent.
    """
    message = _existing(session, outbox_id)
    event = session.scalar(select(Event).where(Event.code == message.event_code))
    if event is None:  # a message that was imported without its event
        raise UnknownEvent
    rules = session.scalars(select(Rule).where(Rule.id == message.rule_id)).all()
    person = message.recipient_user_id, [message.recipient_actor_type]
    return _explain(session, event, rules, *person, [message], now)


def history_of(session: Session, outbox_id: uuid.UUID) -> MessageHistory:
    """A message with its attempts. Raises UnknownRecord."""
    message = _existing(session, outbox_id)
    return MessageHistory(message, _attempts(session, message))


def _existing(session: Session, outbox_id: uuid.UUID) -> OutboxMessage:
    message = session.get(OutboxMessage, outbox_id)
    if message is None:
        raise UnknownRecord("outbox", outbox_id)
    return message


def _actor_types(
    session: Session, user_id: str, messages: Sequence[OutboxMessage]
) -> Sequence[str]:
    """What the person is known as; who is not known may be anything."""
    said = select(Preference.actor_type).where(Preference.user_id == user_id)
    known = {*session.scalars(said), *(one.recipient_actor_type for one in messages)}
    return sorted(known or active_actor_types(session))


def _explain(
    session: Session,
    event: Event,
    rules: Sequence[Rule],
    user_id: str,
    actor_types: Sequence[str],
    messages: Sequence[OutboxMessage],
    now: datetime,
) -> Explanation:
    directory = load_directory(session, event, [user_id], rules)
    return Explanation(
        event_code=event.code,
        is_event_active=event.is_active,
        user_id=user_id,
        rules=rules,
        preferences=[read_preference(session, one, user_id) for one in actor_types],
        decisions=[
            decision
            for rule in rules
            for actor_type in actor_types
            for decision in decisions(event, rule, (user_id, actor_type), directory, now)
        ],
        messages=[MessageHistory(one, _attempts(session, one)) for one in messages],
    )


def _attempts(session: Session, message: OutboxMessage) -> Sequence[DeliveryLog]:
    log = select(DeliveryLog).where(DeliveryLog.outbox_id == message.id)
    return session.scalars(log.order_by(DeliveryLog.attempt_no)).all()


def decisions(
    event: Event, rule: Rule, person: Person, directory: Directory, now: datetime
) -> list[Decision]:
    """What a rule would do for a person. Pure."""
    actor_type = person[1]
    channels = usable_channels(rule, directory)
    stopped_at, reason = Step.RULE, None
    if not event.is_active:
        stopped_at, reason = Step.EVENT, str(UnknownEvent())
    elif not rule.is_active:
        reason = RULE_INACTIVE
    elif actor_type not in directory.actor_types:
        reason = unknown_actor_type(actor_type)
    elif not concerns(rule, actor_type):
        reason = NOBODY_MATCHED
    elif not channels:
        reason = NO_CHANNELS
    if reason is None:
        return [_decision(rule, person, channel, directory, now) for channel in channels]
    return [Decision(rule_id=rule.id, actor_type=actor_type, stopped_at=stopped_at, reason=reason)]


def _decision(
    rule: Rule, person: Person, channel: ChannelCode, directory: Directory, now: datetime
) -> Decision:
    preferences = directory.preferences.get(person, DEFAULT_PREFERENCES)
    template = choose_template(directory.templates, channel, preferences.language)
    begun = partial(Decision, rule_id=rule.id, actor_type=person[1], channel=channel)
    reason = why_not(channel, person, preferences.channels, directory)
    if reason is not None:
        return begun(stopped_at=Step.PREFERENCE, reason=reason)
    if template is None:
        return begun(stopped_at=Step.TEMPLATE, reason=NO_TEMPLATE)
    return begun(template=template, not_before=not_before(now, preferences, channel, rule.priority))
