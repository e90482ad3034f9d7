"""A call that passed steps 1–8: who makes it, where it goes, how it is recorded."""

from dataclasses import dataclass

from common.http.replies import Fields

from proxy.config import Settings
from proxy.gateway.call import Body, Call, preferences, query_value
from proxy.gateway.esb import EsbCall
from proxy.gateway.routing_table import RoutedChannel, RoutedClient
from proxy.gateway.sent_routes import SentRoutes
from proxy.models import TransactionStatus
from proxy.record.indexed_fields import IndexedField, SentBody
from proxy.record.reports import Report
from proxy.record.rows import Row, Stopwatch, Storing, started_row

#: Letter case does not matter.
ASYNC_PARAMETER = "async"
_TRUE = frozenset({"1", "true", "yes", "on"})


@dataclass(slots=True)
class Admitted:
    """Everything that is decided before a call is recorded."""

    call: Call
    body: Body
    client: RoutedClient
    channel: RoutedChannel | None
    esb: EsbCall | None
    watch: Stopwatch
    storing: Storing
    key: str | None = None
    #: Whether the call's first row is on record.
    is_begun: bool = False
    #: Whether its end was handed to the record.
    is_ended: bool = False
    is_surely_not_sent: bool = False
    #: Whether its answer broke off.
    has_broken_off: bool = False
    #: What its mediator reports besides the answer.
    report: Report | None = None
    #: Its whole answer, where its channel may look into that.
    answer: SentBody | None = None
    #: Its channel's secondary routes, once they were sent.
    routes: SentRoutes | None = None

    @property
    def correlation_id(self) -> str:
        """As the caller sees it."""
        return self.call.shown_id

    @property
    def channel_name(self) -> str | None:
        """None in mode `pure_esb`."""
        return self.channel.name if self.channel else None

    @property
    def literal(self) -> str:
        """The start that all paths of its channel share: configured, so it names nobody."""
        return self.channel.literal if self.channel else ""

    @property
    def keeps_whole_bodies(self) -> bool:
        """Whether the request is stored to the byte."""
        return self.channel is not None and self.channel.keep_whole_bodies

    @property
    def indexed_fields(self) -> tuple[IndexedField, ...]:
        """What the call is found by in its bodies."""
        return self.channel.indexed_fields if self.channel is not None else ()

    def note_answer(self, pairs: Fields, body: bytes) -> None:
        """The whole answer came; it is kept in mind where the channel looks into it."""
        if self.indexed_fields:
            self.answer = SentBody.of(pairs, body)

    def sent_bodies(self) -> list[SentBody]:
        """Its bodies, as far as they are here to the last byte."""
        bodies = [] if self.answer is None else [self.answer]
        if self.body.is_whole:
            bodies.insert(0, SentBody.of(self.call.headers.items(), self.body.head))
        return bodies

    async def started_row(self, status: TransactionStatus, owner: str | None) -> Row:
        """The call's first row."""
        return await started_row(
            self.call,
            self.body,
            channel_name=self.channel_name,
            client_name=self.client.client_id,
            organization=self.esb.organization if self.esb else None,
            status=status,
            owner=owner,
            storing=self.storing,
            mediator_url=self.channel.endpoint_url if self.channel and not self.esb else None,
        )


def storing_for(settings: Settings, channel: RoutedChannel | None) -> Storing:
    """How much of the bodies is kept for calls of `channel`."""
    if channel is None:
        return Storing(settings.stored_body_max_chars)
    return Storing(
        settings.stored_body_max_chars,
        channel.store_request_body,
        channel.store_response_body,
        channel.mask,
    )


def wants_async(call: Call, channel: RoutedChannel | None) -> bool:
    """`?async=true`, `X-Async: true` or `Prefer: respond-async`; `?async=false` wins over both.

    A channel may leave the query and the preference to its mediator, or ask for nothing.
    """
    if channel is not None and channel.always_async:
        return True
    asked = query_value(call, ASYNC_PARAMETER).strip().lower()
    is_left_to_it = channel is not None and channel.async_passthrough
    if asked and not is_left_to_it:
        return asked in _TRUE
    if call.headers.get("X-Async", "").strip().lower() in _TRUE:
        return True
    return not is_left_to_it and "respond-async" in preferences(call.headers)
