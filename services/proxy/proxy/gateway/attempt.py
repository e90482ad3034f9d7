"""An asynchronous call under a claim, and what one attempt at it has brought so far."""

from proxy.gateway.async_calls import Claimed, may_repeat
from proxy.gateway.call import Body, Call
from proxy.gateway.routing_table import RoutedChannel
from proxy.record.indexed_fields import SentBody
from proxy.record.rows import Row, Stopwatch


class Attempt:
    """A claimed call with its request rebuilt."""

    def __init__(
        self, claimed: Claimed, call: Call, body: Body, watch: Stopwatch, client_name: str
    ) -> None:
        self.client_name = client_name
        self.claimed = claimed
        self.call = call
        self.body = body
        self.watch = watch
        self.sent_ns: int | None = None
        self.response: Row | None = None
        #: The rows of what the mediator reports, as `report_rows` gives them.
        self.report: tuple[Row | None, ...] = ()
        #: The whole answer, once there is one.
        self.answers: list[SentBody] = []
        #: Rows of the secondary routes.
        self.steps: list[Row] = []
        #: Its channel as it is now, where it has one.
        self.channel: RoutedChannel | None = None
        self.is_surely_not_sent = False

    @property
    def may_have_arrived(self) -> bool:
        """Whether an earlier attempt may have arrived: its key let this one follow."""
        return self.claimed.has_idempotency_key and self.claimed.attempts > 1

    @property
    def repeatable(self) -> bool:
        return may_repeat(
            self.call.method,
            self.claimed.has_idempotency_key,
            is_esb=self.claimed.esb is not None,
        )
