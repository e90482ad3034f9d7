"""NotificationService: hands messages over to Kiungo's notification service as events.

Over the queue `notification.emit`, else over HTTP. The message's id is the idempotency key, so
that a message which is handed over twice is sent once, and its correlation id.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from common import tracing
from common.clock import rfc3339, utc_now
from common.correlation import CORRELATION_HEADER
from common.errors import Unavailable
from common.http import HttpClient, NotSent, OutcomeUnknown
from common.jobs.broker import BROKER_ERRORS, dead_letter_queue, durable_queue
from common.jobs.events import CONTENT_TYPE, TRACE_KEY
from common.logs import get_logger
from common.web.tokens import ClientCredentials
from kombu.connection import Connection

from policy_notify.errors import MaybeTaken, NotTaken
from policy_notify.providers.base import Message

log = get_logger(__name__)

NAME = "NotificationService"
QUEUE = "notification.emit"
SOURCE = "policy-notify"
ACTOR_TYPE = "FAMILY"
#: Of whoever paid for no family that is known.
PAYER_TYPE = "PAYER"
DUPLICATE = "Duplicate idempotency key"
#: The second one over a new connection: the first may have been stale.
PUBLISH_ATTEMPTS = 2


@dataclass
class NotificationService:
    """The service; `credentials` None: nothing is sent over HTTP."""

    event_prefix: str
    connect: Callable[[], Connection]
    url: str
    client: HttpClient
    credentials: ClientCredentials | None
    name: str = NAME
    is_repeatable: bool = True
    _connection: Connection | None = field(default=None, repr=False)

    def send(self, message: Message) -> None:
        """Publish with confirms, else post. Raises NotTaken, MaybeTaken."""
        event = self.event(message)
        may_be_queued = False
        for _ in range(PUBLISH_ATTEMPTS):
            if not self._is_connected():
                break
            try:
                self._publish(str(message.id), event)
            except BROKER_ERRORS as exc:
                log.warning("event_not_confirmed", queue=QUEUE, reason=type(exc).__name__)
                may_be_queued = True
                self._disconnect()
            else:
                return
        self._post(event, may_be_queued)

    def event(self, message: Message) -> dict[str, Any]:
        """What the notification service is asked to emit. Pure."""
        about = (
            ("policy", message.policy) if message.payment is None else ("payment", message.payment)
        )
        actor = (ACTOR_TYPE, message.family) if message.family else (PAYER_TYPE, about[1])
        return {
            "event_code": f"{self.event_prefix}{(message.spoken_as or message.type).value}".upper(),
            "context": dict(message.variables),
            "recipients": [
                {
                    "user_id": str(actor[1]),
                    "actor_type": actor[0],
                    "to_phone": message.recipient,
                    "preferred_lang": message.language,
                }
            ],
            "idempotency_key": str(message.id),
            "entity_type": about[0],
            "entity_id": str(about[1]),
        }

    def _is_connected(self) -> bool:
        if self._connection is None:
            connection = self.connect()
            try:
                connection.ensure_connection(max_retries=1, reraise_as_library_errors=True)
            except BROKER_ERRORS as exc:
                log.warning("queue_not_reached", queue=QUEUE, reason=type(exc).__name__)
                return False
            self._connection = connection
        return True

    def _publish(self, event_id: str, data: Mapping[str, Any]) -> None:
        event = {
            "specversion": "1.0",
            "id": event_id,
            "type": QUEUE,
            "source": SOURCE,
            "time": rfc3339(utc_now()),
            "datacontenttype": "application/json",
            "correlationid": event_id,
            "data": data,
        }
        assert self._connection is not None
        with (
            tracing.message_span("send", tracing.Kind.PRODUCER, QUEUE, None) as span,
            self._connection.Producer() as producer,
        ):
            producer.publish(
                json.dumps(event).encode(),
                routing_key=QUEUE,
                content_type=CONTENT_TYPE,
                content_encoding="utf-8",
                delivery_mode=2,
                headers={TRACE_KEY: span.traceparent} if span.traceparent else {},
                declare=[dead_letter_queue(QUEUE), durable_queue(QUEUE)],
            )

    def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.release()

    def _post(self, event: Mapping[str, Any], may_be_queued: bool) -> None:
        """Over HTTP. What it surely did not take may be in the queue all the same."""
        not_taken = MaybeTaken if may_be_queued else NotTaken
        if self.credentials is None:
            raise not_taken("the queue cannot be reached, and there are no credentials for HTTP")
        try:
            answer = self.client.request(
                "POST",
                f"{self.url}/api/notification/emit/",
                json=event,
                headers={
                    **self.credentials.authorization(),
                    CORRELATION_HEADER: event["idempotency_key"],
                },
            )
        except OutcomeUnknown as exc:
            raise MaybeTaken(str(exc)) from exc
        except (NotSent, Unavailable) as exc:
            raise not_taken(str(exc)) from exc
        _check_answer(answer.status_code, answer.content)


def _check_answer(status: int, body: bytes) -> None:
    """Raises NotTaken unless the message was queued, now or before."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or status not in (HTTPStatus.OK, HTTPStatus.CREATED):
        raise NotTaken(f"the notification service answered {status}")
    if answer.get("queued_count") or _is_known_already(answer.get("skipped")):
        return
    raise NotTaken(f"the notification service suppressed it: {_reason(answer)}")


def _is_known_already(skipped: Any) -> bool:
    entries = skipped if isinstance(skipped, list) else []
    reasons = [str(entry.get("reason", "")) for entry in entries if isinstance(entry, dict)]
    return any(reason.startswith(DUPLICATE) for reason in reasons)


def _reason(answer: Mapping[str, Any]) -> str:
    skipped = answer.get("skipped")
    if isinstance(skipped, list) and skipped and isinstance(skipped[0], dict):
        return str(skipped[0].get("reason", ""))[:200]
    return str(answer.get("reason", "no reason given"))[:200]
