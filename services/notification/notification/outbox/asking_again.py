"""Asked again just before a slice leaves: does its person still want it, and want it now?

What was allowed when the message was queued may have ended meanwhile: a preference, an event, a
rule, a template. Quiet hours may have begun.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from typing import cast as typed

from common.logs import get_logger
from common.texts import N_
from sqlalchemy import (
    BindParameter,
    Integer,
    String,
    Table,
    bindparam,
    cast,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from notification.catalogue.preferences import (
    DEFAULT_PREFERENCES,
    Person,
    Preferences,
    preferences_of,
)
from notification.emit.choose import BLOCKED, CRITICAL, not_before
from notification.models import (
    AttemptStatus,
    Campaign,
    CampaignStatus,
    ChannelCode,
    DeliveryLog,
    Event,
    MessageStatus,
    OutboxMessage,
    Rule,
    Template,
)
from notification.outbox.cascades import look_now
from notification.outbox.claiming import UNCLAIMED, Job
from notification.outbox.costs import HELD_BACK, is_spent, month_of, next_look

log = get_logger(__name__)

NO_EVENT = N_("The event is not in use any more")
NO_RULE = N_("The rule is not in use any more")
NO_TEMPLATE = N_("The template is not in use any more")
STOPPED = N_("The campaign was stopped")
#: A message of a paused campaign is looked at again after this time, or when it is resumed.
PAUSED_FOR = timedelta(minutes=1)

_OUTBOX, _LOG = (typed(Table, model.__table__) for model in (OutboxMessage, DeliveryLog))

# Built once: composing a statement costs more than asking it.
_WAIT = (
    update(_OUTBOX)
    .where(_OUTBOX.c.id == bindparam("of"))
    .values({**UNCLAIMED, "next_attempt_at": bindparam("until")})
)
_CANCEL = (
    update(_OUTBOX)
    .where(_OUTBOX.c.id == bindparam("of"))
    .values(
        {
            **UNCLAIMED,
            "status": MessageStatus.CANCELLED,
            "is_final": True,
            "last_error": bindparam("why"),
            # The entry about it is no attempt.
            "earlier_entries": OutboxMessage.earlier_entries + 1,
        }
    )
)
_HOLD = (
    update(_OUTBOX)
    .where(_OUTBOX.c.id == bindparam("of"))
    .values({**UNCLAIMED, "next_attempt_at": bindparam("until"), "last_error": HELD_BACK})
)
_CODES: BindParameter[Any] = bindparam("codes", expanding=True)
#: What is out of use of some events, or spent, or paused: one question for all kinds.
_WITHDRAWN = union_all(
    select(literal(NO_EVENT), Event.code, literal(""), literal("")).where(
        Event.code.in_(_CODES), Event.is_active.is_(False)
    ),
    select(literal(NO_RULE), Rule.event_code, cast(Rule.id, String), literal("")).where(
        Rule.event_code.in_(_CODES), Rule.is_active.is_(False)
    ),
    # Of a template another version may be in use: the message keeps the words it has.
    select(
        literal(NO_TEMPLATE), Template.event_code, cast(Template.channel, String), Template.language
    )
    .where(Template.event_code.in_(_CODES))
    .group_by(Template.event_code, Template.channel, Template.language)
    .having(func.max(cast(Template.is_active, Integer)) == 0),
    select(literal(HELD_BACK), Event.code, literal(""), literal("")).where(
        Event.code.in_(_CODES),
        Event.sms_budget.is_not(None),
        is_spent(bindparam("month", type_=String)),
    ),
    # A campaign's id stands as the rule in its messages.
    select(
        cast(Campaign.status, String), literal(""), cast(Campaign.id, String), literal("")
    ).where(
        Campaign.event_code.in_(_CODES),
        Campaign.status.in_((CampaignStatus.PAUSED, CampaignStatus.STOPPED)),
    ),
)


@dataclass(frozen=True)
class OnRecord:
    """What is on record now: people's preferences, and what of the catalogue is out of use."""

    preferences: Mapping[Person, Preferences] = field(default_factory=dict)
    events: Collection[str] = ()
    rules: Collection[uuid.UUID] = ()
    templates: Collection[tuple[str, str, str]] = ()
    #: Events whose SMS budget of the month is spent.
    spent: Collection[str] = ()
    #: Campaigns that were paused, or stopped.
    paused: Collection[uuid.UUID] = ()
    stopped: Collection[uuid.UUID] = ()

    @cached_property
    def _withdraws(self) -> bool:
        return any((self.events, self.rules, self.templates, self.spent, self.paused, self.stopped))

    def is_silent_about(self, job: Job) -> bool:
        """Whether nothing speaks against it: its person said nothing, all it needs is in use."""
        person = job.recipient_user_id, job.recipient_actor_type
        return not self._withdraws and person not in self.preferences


def may_leave(session: Session, jobs: Sequence[Job], now: datetime) -> Sequence[Job]:
    """Those of the jobs, which are locked, that may leave; the others wait or are CANCELLED."""
    if not jobs:
        return ()
    on_record = _on_record(session, jobs, now)
    waiting, held, cancelled, left = [], [], [], list[Job]()
    for job in jobs:
        if on_record.is_silent_about(job):
            left.append(job)
            continue
        reason = why_cancelled(job, on_record)
        moment = now + PAUSED_FOR if job.rule_id in on_record.paused else now
        moment = quiet_until(job, on_record, moment)
        if reason is not None:
            cancelled.append((job, reason))
        elif moment > now:
            waiting.append({"of": job.id, "until": moment})
        elif is_held_back(job, on_record.spent):
            held.append({"of": job.id, "until": next_look(now)})
        else:
            left.append(job)
    if waiting:
        session.execute(_WAIT, waiting)
    if held:
        session.execute(_HOLD, held)
    if cancelled:
        _cancel(session, cancelled, now)
    return left


def why_cancelled(job: Job, on_record: OnRecord) -> str | None:
    """What no longer holds of a message; None: all of it does. Pure."""
    if job.channel not in _preferences(job, on_record).channels:
        return BLOCKED
    if job.event_code in on_record.events:
        return NO_EVENT
    if job.rule_id in on_record.rules:
        return NO_RULE
    if job.rule_id in on_record.stopped:
        return STOPPED
    template = job.event_code, job.channel, job.language
    return NO_TEMPLATE if template in on_record.templates else None


def is_held_back(job: Job, spent: Collection[str]) -> bool:
    """Whether it waits for its event's next budget; what is CRITICAL never does. Pure."""
    is_sms = job.channel is ChannelCode.SMS
    return is_sms and job.priority != CRITICAL and job.event_code in spent


def quiet_until(job: Job, on_record: OnRecord, now: datetime) -> datetime:
    """When the quiet hours that its person has now end; `now` without any. Pure."""
    return not_before(now, _preferences(job, on_record), job.channel, job.priority)


def _preferences(job: Job, on_record: OnRecord) -> Preferences:
    person = job.recipient_user_id, job.recipient_actor_type
    return on_record.preferences.get(person, DEFAULT_PREFERENCES)


def _on_record(session: Session, jobs: Sequence[Job], now: datetime) -> OnRecord:
    preferences = preferences_of(session, (job.recipient_user_id for job in jobs))
    codes = sorted({job.event_code for job in jobs})
    found = session.execute(_WITHDRAWN, {"codes": codes, "month": month_of(now)}).all()
    return OnRecord(
        preferences=preferences,
        events={code for kind, code, _, _ in found if kind == NO_EVENT},
        rules={uuid.UUID(id_) for kind, _, id_, _ in found if kind == NO_RULE},
        templates={
            (code, channel, lang) for kind, code, channel, lang in found if kind == NO_TEMPLATE
        },
        spent={code for kind, code, _, _ in found if kind == HELD_BACK},
        paused={uuid.UUID(id_) for kind, _, id_, _ in found if kind == CampaignStatus.PAUSED},
        stopped={uuid.UUID(id_) for kind, _, id_, _ in found if kind == CampaignStatus.STOPPED},
    )


def _cancel(session: Session, cancelled: Sequence[tuple[Job, str]], now: datetime) -> None:
    session.execute(_CANCEL, [{"of": job.id, "why": why} for job, why in cancelled])
    session.execute(
        insert(_LOG),
        [
            {
                "outbox_id": job.id,
                "attempt_no": job.entry_no,
                "status": AttemptStatus.CANCELLED,
                "error_message": why,
                "created_at": now,
                "ended_at": now,
            }
            for job, why in cancelled
        ],
    )
    look_now(session, [job.id for job, _why in cancelled], now)
    log.info("messages_cancelled_before_they_left", count=len(cancelled))
