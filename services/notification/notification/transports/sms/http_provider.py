"""A provider behind HTTP: many requests on their way at once, over an event loop's connections.

As many requests as may be under way are written before the first answer is read; whoever answers
first is read first. Per message to a provider on loopback (two busy cores) that costs
240 µs of CPU; 1,100 with `requests`, a request after the other.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from common.clock import utc_now
from common.http import answer as http
from common.http.connection import Connection
from common.http.endpoint import Endpoint
from common.http.outcomes import NotSent, OutboundError, OutcomeUnknown, TimedOut
from common.http.pool import Pool
from common.logs import get_logger
from common.loop_thread import LoopThread

from notification.transports.base import Message, Outcome, Result
from notification.transports.sms.dialect import Answer, Dialect, Request, judge, read_json
from notification.transports.sms.masked import masked

log = get_logger(__name__)

CONNECT_TIMEOUT_S = 5.0
#: So many failures, one after the other, close the way.
FAILURES_IN_A_ROW = 3
#: What is read of an answer; the rest is not looked at.
MAX_ANSWER_BYTES = 256 * 1024


@dataclass(slots=True)
class _Round:
    """The messages of one `send`: what waits, what it came to, which failed in a row."""

    results: list[Result | None]
    queue: deque[tuple[int, Message, Request]] = field(default_factory=deque)
    failed: list[int] = field(default_factory=list)


class HttpProvider:
    """Sends in one dialect. Used by one thread at a time."""

    def __init__(self, dialect: Dialect) -> None:
        self.name = dialect.name
        self.segment_price = dialect.settings.segment_price
        self._dialect = dialect
        self._limit = dialect.settings.concurrency
        self._limits = http.Limits(dialect.settings.timeout_s, dialect.settings.timeout_s)
        self._endpoint, self._post_line = _place("POST", dialect.url)
        self._loop = LoopThread()
        self._pool = Pool(min(CONNECT_TIMEOUT_S, dialect.settings.timeout_s))
        #: Failures in a row, up to now.
        self._failures = 0

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Send each in a request of its own, at most `concurrency` of them at a time."""
        this = _Round([None] * len(messages))
        this.queue.extend(self._requests(messages, this.results))
        if this.queue:
            self._loop.run(self._send(this))
        return self._ended(this.results, this.failed)

    async def _send(self, this: _Round) -> None:
        senders = min(self._limit, len(this.queue))
        await asyncio.gather(*(self._send_some(this) for _ in range(senders)))

    async def _send_some(self, this: _Round) -> None:
        """One request after the other, while any waits."""
        while this.queue:
            index, message, request = this.queue.popleft()
            try:
                connection = await self._pool.take(self._endpoint)
            except NotSent:
                this.results[index] = self._cannot_be_reached()
                this.queue.clear()  # each of the others would wait as long for the same
                return
            result = await self._send_one(connection, message, request)
            this.results[index] = result
            this.failed = [*this.failed, index] if result.is_failure else []
            self._failures = self._failures + 1 if result.is_failure else 0
            if result.closes_way or self._failures >= FAILURES_IN_A_ROW:
                this.queue.clear()

    async def _send_one(self, connection: Connection, message: Message, request: Request) -> Result:
        head = _head(self._post_line, request.headers, len(request.body))
        try:
            answer = await self._exchange(connection, "POST", head, request.body)
        except NotSent:
            return self._not_left("broke the connection off")
        except OutcomeUnknown as exc:
            if connection.was_cut_short:
                return self._not_left("did not take the whole request")
            is_late = isinstance(exc, TimedOut)
            error = "did not answer in time" if is_late else "broke off before it answered"
            return self._dialect.unknown(error, is_failure=True)
        try:
            result = judge(self._dialect, answer, utc_now())
            said = {"http_status": answer.status, "answer": masked(answer.body, message)}
            return replace(result, response={**(result.response or {}), **said})
        except Exception as exc:
            log.exception("answer_not_judged", provider=self.name)
            return self._dialect.unknown(f"answer cannot be judged ({type(exc).__name__})")

    async def _exchange(
        self, connection: Connection, method: str, head: bytes, body: bytes
    ) -> Answer:
        """One request and its answer. Raises NotSent, OutcomeUnknown."""
        found = await connection.exchange(method, head, body, self._limits)
        try:
            content = await _read(found)
        except OutcomeUnknown:
            if 200 <= found.status < 300:
                raise
            content = b""  # a refusal's status says enough
        fields = {name.lower(): value for name, value in found.headers}
        return Answer(found.status, fields, content)

    def _ended(self, results: Sequence[Result | None], failed: Sequence[int]) -> list[Result]:
        """Failures in a row are no message's fault; what was held back had no chance."""
        ended = list(results)
        if self._failures >= FAILURES_IN_A_ROW:
            for index in failed:
                result = ended[index]
                if result is not None and result.is_surely_not_taken:
                    ended[index] = replace(result, outcome=Outcome.WAY_CLOSED)
        reasons = [one for one in ended if one is not None and (one.closes_way or one.is_failure)]
        held_back = replace(
            reasons[0] if reasons else self._cannot_be_reached(),
            outcome=Outcome.WAY_CLOSED,
            response=None,
        )
        return [result or held_back for result in ended]

    def ask(self, message: Message) -> Result | None:
        """What the provider says it has under the message's reference; None: it does not say."""
        question = self._dialect.question(message)
        if question is None:
            return None
        try:
            answer = self._loop.run(self._get(*question))
        except OutboundError:
            return None
        return self._dialect.judge_record(answer.status, read_json(answer.body))

    async def _get(self, url: str, headers: Mapping[str, str]) -> Answer:
        endpoint, line = _place("GET", url)
        connection = await self._pool.take(endpoint)
        return await self._exchange(connection, "GET", _head(line, headers, None), b"")

    def close(self) -> None:
        """Close the connections that rest."""
        self._loop.run(self._close())
        self._loop.close()

    async def _close(self) -> None:
        self._pool.close()

    def _requests(
        self, messages: Sequence[Message], results: list[Result | None]
    ) -> list[tuple[int, Message, Request]]:
        """All requests, before the first one leaves; a message without one has its result."""
        now = utc_now()
        made: list[tuple[int, Message, Request]] = []
        for index, message in enumerate(messages):
            try:
                made.append((index, message, self._dialect.request(message, now)))
            except Exception as exc:
                log.exception("request_not_made", provider=self.name)
                error = f"request cannot be made ({type(exc).__name__})"
                results[index] = self._dialect.refused(Outcome.REFUSED_FOR_GOOD, error)
        return made

    def _not_left(self, error: str) -> Result:
        return self._dialect.refused(Outcome.REFUSED_FOR_NOW, error, is_failure=True)

    def _cannot_be_reached(self) -> Result:
        return self._dialect.refused(Outcome.WAY_CLOSED, "cannot be reached")


async def _read(answer: http.Answer) -> bytes:
    """The answer's body, at most its first MAX_ANSWER_BYTES. Raises OutcomeUnknown."""
    pieces, size = [], 0
    while size < MAX_ANSWER_BYTES and (piece := await answer.read()):
        pieces.append(piece)
        size += len(piece)
    answer.abandon()
    return b"".join(pieces)[:MAX_ANSWER_BYTES]


def _place(method: str, url: str) -> tuple[Endpoint, str]:
    """Where `url` is, and how a request to it begins."""
    endpoint, parts = Endpoint.parse(url), urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fixed = "Accept: application/json\r\nUser-Agent: kiungo-notification\r\n"
    return endpoint, f"{method} {target} HTTP/1.1\r\nHost: {endpoint.authority}\r\n{fixed}"


def _head(line: str, headers: Mapping[str, str], length: int | None) -> bytes:
    given = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    length_line = "" if length is None else f"Content-Length: {length}\r\n"
    return f"{line}{given}{length_line}\r\n".encode("ascii")
