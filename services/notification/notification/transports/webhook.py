"""Webhooks: a signed POST to where a recipient listens. Source: Standard Webhooks 1.0.

A repeated request has the same `webhook-id`, by which a receiver knows it: what was not answered
may be sent again, and the log says that it was.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

from common.clock import utc_now
from common.http.async_client import AsyncHttpClient, Response
from common.http.outcomes import NotPermitted, NotSent, OutcomeUnknown, Timeouts
from common.loop_thread import LoopThread
from common.outbound import OutboundRules
from common.texts import N_

from notification.catalogue.preferences import Person
from notification.models import ChannelCode
from notification.transports.base import Message, Outcome, Result
from notification.transports.gate import Gate
from notification.transports.sms.dialect import retry_after_s
from notification.webhooks.secrets import signature
from notification.webhooks.subscriptions import Target

PROVIDER = "webhook"
#: Requests under way at once; a slice is some rounds of them.
CONCURRENCY, ROUNDS = 16, 4
TIMEOUTS = Timeouts(connect_s=5.0, read_s=15.0, total_s=20.0)
#: Nobody reads what a receiver answers.
MOST_ANSWER_BYTES = 64 * 1024
NO_TARGET = N_("The recipient has no webhook in use")
AGAIN = "no answer came; sent again under the same webhook-id"


class Directory(Protocol):
    """Who knows where recipients listen."""

    def of(self, people: Sequence[Person]) -> Mapping[Person, Target]:
        """Where these people listen."""

    def stop(self, target: Target) -> None:
        """The receiver wants nothing any more."""


class WebhookTransport:
    """Requests to the recipients' own addresses: one that is away closes no way for others."""

    channel = ChannelCode.WEBHOOK
    gates: Sequence[Gate] = ()
    slice_size = CONCURRENCY * ROUNDS

    def __init__(self, directory: Directory, rules: OutboundRules) -> None:
        self._directory = directory
        self._client = AsyncHttpClient(TIMEOUTS, max_answer_bytes=MOST_ANSWER_BYTES, rules=rules)
        self._loop = LoopThread()

    @contextmanager
    def batch(self) -> Iterator["WebhookTransport"]:
        """Connections stay open from batch to batch."""
        yield self

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Each to its recipient's address."""
        targets = self._directory.of([one.person for one in messages if one.person])
        return self._loop.run(self._send(messages, targets))

    def ask(self, message: Message, provider: str | None) -> Result | None:
        """Receivers know a repeated message by its id: it may be sent again."""
        return _refused(Outcome.REFUSED_FOR_NOW, AGAIN)

    def close(self) -> None:
        """Close the connections that rest."""
        self._loop.run(self._close())
        self._loop.close()

    async def _close(self) -> None:
        self._client.close()

    async def _send(
        self, messages: Sequence[Message], targets: Mapping[Person, Target]
    ) -> list[Result]:
        in_progress = asyncio.Semaphore(CONCURRENCY)

        async def send(message: Message) -> Result:
            target = targets.get(message.person) if message.person else None
            if target is None:
                return _refused(Outcome.REFUSED_FOR_GOOD, NO_TARGET)
            async with in_progress:
                return await self._post(message, target)

        return await asyncio.gather(*map(send, messages))

    async def _post(self, message: Message, target: Target) -> Result:
        now, body = utc_now(), content(message)
        headers = signed_headers(message, target.secret, now, body)
        try:
            answer = await self._client.request("POST", target.url, body, headers)
        except NotSent as exc:
            is_forbidden = isinstance(exc.__cause__, NotPermitted)
            outcome = Outcome.REFUSED_FOR_GOOD if is_forbidden else Outcome.REFUSED_FOR_NOW
            return _refused(outcome, str(exc))
        except OutcomeUnknown as exc:
            return _refused(Outcome.UNKNOWN, str(exc))
        if answer.status_code == HTTPStatus.GONE:
            await asyncio.get_running_loop().run_in_executor(None, self._directory.stop, target)
        return judge(answer, now)


def content(message: Message) -> bytes:
    """The payload: the event's code as its type, and what the template says. Pure."""
    user_id, actor_type = message.person or ("", "")
    entity_type, entity_id = message.entity
    data = {
        "subject": message.subject,
        "text": message.body,
        "user_id": user_id,
        "actor_type": actor_type,
        "entity_type": entity_type,
        "entity_id": entity_id,
    }
    return json.dumps({"type": message.event_code, "data": data}, ensure_ascii=False).encode()


def signed_headers(message: Message, secret: bytes, now: datetime, body: bytes) -> dict[str, str]:
    """What proves who sent it, and when; the id is the same for every attempt. Pure."""
    known_as = f"msg_{hashlib.sha256(message.reference.encode()).hexdigest()[:32]}"
    timestamp = int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "User-Agent": "kiungo-notification",
        "webhook-id": known_as,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, known_as, timestamp, body),
    }


def judge(answer: Response, now: datetime) -> Result:
    """2xx: the receiver has it; 410: it wants nothing any more; anything else: later. Pure."""
    status = answer.status_code
    response = {"http_status": status}
    if 200 <= status < 300:
        return Result(outcome=Outcome.DELIVERED, provider=PROVIDER, response=response)
    is_gone = status == HTTPStatus.GONE
    return Result(
        outcome=Outcome.REFUSED_FOR_GOOD if is_gone else Outcome.REFUSED_FOR_NOW,
        provider=PROVIDER,
        error=f"The receiver answered {status}",
        response=response,
        retry_after_s=retry_after_s(answer.headers.get("retry-after"), now),
    )


def _refused(outcome: Outcome, error: str) -> Result:
    return Result(outcome=outcome, provider=PROVIDER, error=error)
