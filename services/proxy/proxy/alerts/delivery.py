"""Messages are handed to the notification service: over HTTP, for the broker may be what is away.

A message's id is the idempotency key there: one that was handed over twice is sent once. What the
service needs to know of our events it is told when it does not know them.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from common.clock import utc_now
from common.db.database import Database
from common.http.client import HttpClient
from common.http.outcomes import OutboundError, Timeouts
from common.jobs.backoff import next_attempt
from common.jobs.leases import claim_due, held, is_any_due
from common.logs import get_logger
from sqlalchemy import update

from proxy.alerts.messages import EMAIL, SMS, WEBHOOK
from proxy.container import Container
from proxy.models import AlertMessage, MessageState

log = get_logger(__name__)

BATCH = 10
#: Longer than all of a batch takes.
LEASE = timedelta(seconds=90)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(seconds=20)
_DUPLICATE = "Duplicate idempotency key"
#: The event of each kind of contact: its rule has one channel only.
EVENTS = {SMS: "HUB_ALERT_SMS", EMAIL: "HUB_ALERT_EMAIL", WEBHOOK: "HUB_ALERT_WEBHOOK"}
_CHANNELS = {SMS: "SMS", EMAIL: "EMAIL", WEBHOOK: "WEBHOOK"}
SCOPES = "notification:emit notification:admin"


@dataclass(frozen=True)
class Notification:
    """The service's API, as this one uses it."""

    container: Container
    client: HttpClient = field(
        default_factory=lambda: HttpClient(Timeouts(connect_s=1.0, read_s=4.0), pool_size=2)
    )

    def post(self, path: str, given: Mapping[str, Any]) -> tuple[int, Any]:
        """Status and JSON of the answer. Raises OutboundError, ValueError."""
        url = f"{self.container.settings.notification_url}/api/notification/{path}"
        headers = {"Authorization": f"Bearer {self.container.own_token(SCOPES)}"}
        answer = self.client.request("POST", url, json=given, headers=headers)
        return answer.status_code, answer.json()

    def describe(self, kind: str) -> None:
        """Add the event of a kind, with its rule and words, which people may change there."""
        code, channel = EVENTS[kind], _CHANNELS[kind]
        self.post("events/", {"code": code, "module": "NOTIFICATION", "description": _ABOUT})
        rule = {"event_code": code, "recipient_policy": "ALL", "priority": "CRITICAL"}
        self.post("rules/", {**rule, "channels": [channel]})
        words = {"event_code": code, "channel": channel, "language": "en", "body": "{text}"}
        self.post("templates/", {**words, "subject": "{subject}" if kind == EMAIL else ""})


_ABOUT = "The hub tells of an alert, or reports"


@dataclass(frozen=True)
class Claimed:
    """A message under a claim."""

    id: uuid.UUID
    token: uuid.UUID
    attempts: int
    kind: str
    event: Mapping[str, Any] = field(repr=False)


def deliver_due(database: Database, service: Notification) -> int:
    """Hand over what is due; returns how many messages were tried."""
    claims = _claim(database)
    for claim in claims:
        state, outcome = _hand_over(service, claim)
        _finish(database, claim, state, outcome)
    return len(claims)


def _claim(database: Database) -> list[Claimed]:
    queued, now = AlertMessage.state == MessageState.QUEUED, utc_now()
    if not is_any_due(database, AlertMessage, queued, now=now):
        return []
    with database.writing() as session:
        rows = claim_due(
            session,
            AlertMessage,
            queued,
            order_by=[AlertMessage.next_attempt_at],
            limit=BATCH,
            now=now,
            lease=LEASE,
        )
        return [
            Claimed(row.id, row.lease_token, row.attempt_count, row.kind, event_of(row))
            for row in rows
            if row.lease_token
        ]


def event_of(message: AlertMessage) -> dict[str, Any]:
    """What the notification service is asked to emit. Pure."""
    to = {SMS: {"to_phone": message.address}, EMAIL: {"to_email": message.address}}
    person = {
        "user_id": message.address[:128],
        "actor_type": "SYSTEM" if message.kind == WEBHOOK else "STAFF",
    }
    return {
        "event_code": EVENTS[message.kind],
        "context": {"subject": message.subject, "text": message.text},
        "recipients": [{**person, **to.get(message.kind, {})}],
        "idempotency_key": str(message.id),
    }


def _hand_over(service: Notification, claim: Claimed) -> tuple[MessageState, str]:
    """What became of a message, and what is said of it."""
    try:
        status, answer = service.post("emit/", claim.event)
        if status == 404 or answer.get("reason") == "no_active_rule":
            service.describe(claim.kind)
            status, answer = service.post("emit/", claim.event)
    except (OutboundError, ValueError) as exc:
        return MessageState.QUEUED, str(exc) or type(exc).__name__
    return judged(status, answer)


def judged(status: int, answer: Any) -> tuple[MessageState, str]:
    """What an answer means: only what can never be taken has failed. Pure."""
    if not isinstance(answer, dict) or status >= 500 or status in (401, 403, 404, 429):
        return MessageState.QUEUED, f"notification answered {status}"
    reasons = [str(one.get("reason")) for one in answer.get("skipped") or []]
    if answer.get("queued_count") or any(one.startswith(_DUPLICATE) for one in reasons):
        return MessageState.SENT, ""
    return MessageState.FAILED, (reasons[:1] or [f"notification answered {status}"])[0]


def _finish(database: Database, claim: Claimed, state: MessageState, outcome: str) -> None:
    """Note it, unless another worker has the message by now."""
    due = next_attempt(claim.attempts, utc_now(), first=FIRST_PAUSE, cap=LONGEST_PAUSE, least=0.5)
    mine = AlertMessage.id == claim.id, held(AlertMessage, claim.token)
    freed = {"lease_token": None, "lease_until": None, "next_attempt_at": due}
    with database.writing() as session:
        session.execute(
            update(AlertMessage).where(*mine).values(state=state, outcome=outcome[:500], **freed)
        )
    if state is not MessageState.SENT:
        log.warning(
            "alert_not_delivered", id=str(claim.id), state=state.value, reason=outcome[:200]
        )
