"""Steps 9–11 of a call that is made while its caller waits."""

import time

from common.errors import DomainError
from common.http import OutboundError
from common.upstream import Answer, BrokenOff, TimedOut, Unreachable

from proxy.gateway.admitted import Admitted
from proxy.gateway.call import WHOLE_BYTES
from proxy.gateway.ending import Ending
from proxy.gateway.esb import EsbRelay
from proxy.gateway.forwarding import Forwarder
from proxy.gateway.recording import ms_since
from proxy.gateway.refusals import Refusal
from proxy.gateway.replies import Reply
from proxy.gateway.routing_table import RoutedChannel

UNREACHABLE = "Failed to reach mediator endpoint"
BROKEN_OFF = "Failed to reach mediator endpoint: the connection broke off, outcome unknown"
TIMED_OUT = "The mediator endpoint did not answer within {:g} s, outcome unknown"


class CallMaker:
    """Makes recorded calls: to a mediator over HTTP or TCP, or to the bus through esb-relay."""

    def __init__(self, forwarder: Forwarder, relay: EsbRelay, ending: Ending) -> None:
        self._forwarder = forwarder
        self._relay = relay
        self._ending = ending

    def make(self, admitted: Admitted) -> Reply:
        """Make a call whose beginning is on record; its end is when this returns."""
        if admitted.esb is not None:
            return self._relay_to_bus(admitted)
        assert admitted.channel is not None
        started_ns = time.perf_counter_ns()
        try:
            if admitted.channel.endpoint.scheme == "tcp":
                return self._exchange_raw(admitted, admitted.channel, started_ns)
            return self._forward(admitted, admitted.channel, started_ns)
        except (Unreachable, BrokenOff, TimedOut) as exc:
            admitted.watch.upstream_ms = ms_since(started_ns)
            status, reason = explain_failure(exc, admitted.channel.timeout_s)
            return self._ending.fail(admitted, status, reason)
        except Refusal as refusal:
            admitted.call.drain()
            admitted.watch.upstream_ms = ms_since(started_ns)
            return self._ending.fail(admitted, refusal.status, refusal.reason)

    def _forward(self, admitted: Admitted, channel: RoutedChannel, started_ns: int) -> Reply:
        connection = self._forwarder.connect(channel)
        answer = self._forwarder.send(connection, admitted.call, admitted.body, channel)
        if is_live(answer):
            admitted.watch.upstream_ms = ms_since(started_ns)
            return self._ending.stream(admitted, answer, b"")
        body, is_whole = read_beginning(answer)
        admitted.watch.upstream_ms = ms_since(started_ns)
        if not is_whole:
            return self._ending.stream(admitted, answer, body)
        answer.close()
        return self._ending.whole(
            admitted, answer.status, answer.headers, body, reason=answer.reason
        )

    def _exchange_raw(self, admitted: Admitted, channel: RoutedChannel, started_ns: int) -> Reply:
        connection = self._forwarder.connect(channel)
        body = self._forwarder.send_raw(connection, admitted.body, channel)
        admitted.watch.upstream_ms = ms_since(started_ns)
        headers = [("Content-Type", "application/octet-stream")]
        return self._ending.whole(admitted, 200, headers, body)

    def _relay_to_bus(self, admitted: Admitted) -> Reply:
        assert admitted.esb is not None
        started_ns = time.perf_counter_ns()
        try:
            answer = self._relay.relay(admitted.esb, admitted.correlation_id)
        except (OutboundError, DomainError) as exc:
            admitted.watch.upstream_ms = ms_since(started_ns)
            return self._ending.fail(admitted, 502, f"ESB relay: {exc}")
        admitted.watch.upstream_ms = ms_since(started_ns)
        if answer.error is None:
            return self._ending.whole(
                admitted,
                200,
                [("Content-Type", "application/json")],
                answer.body,
                esb_exchange_id=answer.exchange_id,
            )
        return self._ending.fail(
            admitted, answer.status, answer.error, esb_exchange_id=answer.exchange_id
        )


def explain_failure(error: Unreachable | BrokenOff | TimedOut, timeout_s: float) -> tuple[int, str]:
    """The status and reason of a forwarded call that got no answer."""
    if isinstance(error, TimedOut):
        return 504, TIMED_OUT.format(timeout_s)
    return 502, UNREACHABLE if isinstance(error, Unreachable) else BROKEN_OFF


def is_live(answer: Answer) -> bool:
    """Whether the answer is a stream of events that must not be gathered first."""
    return any(
        name.lower() == "content-type" and value.lower().startswith("text/event-stream")
        for name, value in answer.headers
    )


def read_beginning(answer: Answer) -> tuple[bytes, bool]:
    """Up to `WHOLE_BYTES` of the answer's body, and whether that is all. Raises UpstreamError."""
    pieces: list[bytes] = []
    size = 0
    while size <= WHOLE_BYTES:
        piece = answer.read(WHOLE_BYTES + 1 - size)
        if not piece:
            return b"".join(pieces), True
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces), False
