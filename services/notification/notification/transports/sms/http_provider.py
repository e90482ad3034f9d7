"""A provider behind HTTP: many requests on their way at once, over an event loop's connections.

As many requests as may be under way are written before the first answer is read; whoever answers
first is read first. Per message to a provider on loopback (two busy cores) that costs
60 to 90 µs of CPU, 25 to 30 of them without judging the answer; 1,100 with `requests`.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from common.clock import utc_now
from common.http import answer as http
from common.http.connection import Connection
from common.http.endpoint import Endpoint
from common.http.outcomes import NotSent, OutboundError, OutcomeUnknown, TimedOut
from common.http.pool import Pool
from common.logs import get_logger
from common.loop_thread import LoopThread
from msgspec.structs import replace

from notification.transports.base import Message, Outcome, Result
from notification.transports.sms.dialect import Answer, Dialect, Request, judge, read_json
from notification.transports.sms.masked import masked

log = get_logger(__name__)

CONNECT_TIMEOUT_S = 5.0
#: So many failures, one after the other, close the transport.
FAILURES_IN_A_ROW = 3
#: What is read of an answer; the rest is not looked at.
MAX_ANSWER_BYTES = 256 * 1024


@dataclass(slots=True)
class _Round:
    """The messages of one `send`: what waits, what it came to, which failed in a row."""

    results: list[Result | None]
    ended: asyncio.Future[None] | None = None
    queue: deque[tuple[int, Message, Request]] = field(default_factory=deque)
    failed: list[int] = field(default_factory=list)
    #: How many connections are in use, or being made.
    in_flight: int = 0
    connecting: set[asyncio.Task[None]] = field(default_factory=set)

    def leave(self) -> None:
        """A connection has nothing more to do."""
        self.in_flight -= 1
        if not self.in_flight and self.ended is not None:
            self.ended.set_result(None)


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
        #: The fields of the last request, and how they were written.
        self._written: tuple[Mapping[str, str] | None, bytes] = None, b""
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
        this.in_flight = min(self._limit, len(this.queue))
        ended = this.ended = asyncio.get_running_loop().create_future()
        for _ in range(this.in_flight):
            self._next(this)
        await ended

    def _next(self, this: _Round) -> None:
        """One request after the other over a connection, while any waits: no task for each."""
        if not this.queue:
            this.leave()
        elif (connection := self._pool.rested(self._endpoint)) is not None:
            self._launch(this, connection)
        else:
            connecting = asyncio.get_running_loop().create_task(self._connect(this))
            this.connecting.add(connecting)
            connecting.add_done_callback(this.connecting.discard)

    async def _connect(self, this: _Round) -> None:
        try:
            connection = await self._pool.connect(self._endpoint)
        except Exception as exc:
            if not isinstance(exc, NotSent):
                log.exception("connection_not_made", provider=self.name)
            this.queue.clear()  # each of them would wait as long for the same
            this.leave()
            return
        if this.queue:
            self._launch(this, connection)
        else:
            self._pool.put(self._endpoint, connection)
            this.leave()

    def _launch(self, this: _Round, connection: Connection) -> None:
        index, message, request = this.queue.popleft()

        def answered(answer: http.Answer) -> None:
            self._note(this, index, self._result(answer, message, connection.was_cut_short))
            self._next(this)

        try:
            whole = self._whole(request)
            connection.ask("POST", whole, self._limits, answered)
        except NotSent:
            self._note(this, index, self._not_left("broke the connection off"))
            self._next(this)
        except Exception as exc:
            log.exception("request_not_made", provider=self.name)
            connection.close()
            self._note(this, index, self._not_made(exc))
            self._next(this)

    def _whole(self, request: Request) -> bytes:
        """The request as it leaves; messages of one account have the same header but its length."""
        if request.headers != self._written[0]:
            self._written = request.headers, _head(self._post_line, request.headers)
        return b"%bContent-Length: %d\r\n\r\n%b" % (
            self._written[1],
            len(request.body),
            request.body,
        )

    def _note(self, this: _Round, index: int, result: Result) -> None:
        this.results[index] = result
        if result.is_failure:
            this.failed.append(index)
            self._failures += 1
        elif self._failures:
            this.failed.clear()
            self._failures = 0
        if result.closes_transport or self._failures >= FAILURES_IN_A_ROW:
            this.queue.clear()

    def _result(self, answer: http.Answer, message: Message, was_cut_short: bool) -> Result:
        """What came of a request that was sent. Never raises."""
        try:
            return self._judged(_taken(answer), message)
        except OutcomeUnknown as exc:
            if was_cut_short:
                return self._not_left("did not take the whole request")
            is_late = isinstance(exc, TimedOut)
            error = "did not answer in time" if is_late else "broke off before it answered"
            return self._dialect.unknown(error, is_failure=True)
        except Exception as exc:
            log.exception("answer_not_judged", provider=self.name)
            return self._dialect.unknown(f"answer cannot be judged ({type(exc).__name__})")

    def _judged(self, answer: Answer, message: Message) -> Result:
        result = judge(self._dialect, answer, utc_now())
        said = {"http_status": answer.status, "answer": masked(answer.body, message)}
        return replace(result, response={**(result.response or {}), **said})

    def _ended(self, results: Sequence[Result | None], failed: Sequence[int]) -> list[Result]:
        """Failures in a row are no message's fault; what was held back had no chance."""
        ended = list(results)
        if self._failures >= FAILURES_IN_A_ROW:
            for index in failed:
                result = ended[index]
                if result is not None and result.is_surely_not_taken:
                    ended[index] = replace(result, outcome=Outcome.TRANSPORT_CLOSED)
        reasons = [
            one for one in ended if one is not None and (one.closes_transport or one.is_failure)
        ]
        held_back = replace(
            reasons[0] if reasons else self._cannot_be_reached(),
            outcome=Outcome.TRANSPORT_CLOSED,
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
        ended: asyncio.Future[http.Answer] = asyncio.get_running_loop().create_future()
        connection.ask("GET", _head(line, headers) + b"\r\n", self._limits, ended.set_result)
        return _taken(await ended)

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
                results[index] = self._not_made(exc)
        return made

    def _not_made(self, exc: Exception) -> Result:
        """A bug met the request before anything of it left."""
        error = f"request cannot be made ({type(exc).__name__})"
        return self._dialect.refused(Outcome.REFUSED_FOR_GOOD, error)

    def _not_left(self, error: str) -> Result:
        return self._dialect.refused(Outcome.REFUSED_FOR_NOW, error, is_failure=True)

    def _cannot_be_reached(self) -> Result:
        return self._dialect.refused(Outcome.TRANSPORT_CLOSED, "cannot be reached")


def _taken(answer: http.Answer) -> Answer:
    """An answer that has ended, at most the first MAX_ANSWER_BYTES of it. Raises OutcomeUnknown."""
    try:
        content = answer.whole()[:MAX_ANSWER_BYTES]
    except OutcomeUnknown:
        if not answer.has_head or 200 <= answer.status < 300:
            raise
        content = b""  # a rejection's status says enough
    answer.abandon()
    is_yes = 200 <= answer.status < 300
    fields = {} if is_yes else {name.lower(): value for name, value in answer.headers}
    return Answer(answer.status, fields, content)


def _place(method: str, url: str) -> tuple[Endpoint, str]:
    """Where `url` is, and how a request to it begins."""
    endpoint, parts = Endpoint.parse(url), urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fixed = "Accept: application/json\r\nUser-Agent: kiungo-notification\r\n"
    return endpoint, f"{method} {target} HTTP/1.1\r\nHost: {endpoint.authority}\r\n{fixed}"


def _head(line: str, headers: Mapping[str, str]) -> bytes:
    """What a request begins with; a length, or nothing, and an empty line follow."""
    given = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{line}{given}".encode("ascii")
