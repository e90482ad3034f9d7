"""A call that passed steps 1–8: who makes it, where it goes, how it is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.config import Settings
from proxy.gateway.admission import query_value
from proxy.gateway.call import Body, Call
from proxy.gateway.esb import EsbCall
from proxy.gateway.headers import forwarded_headers
from proxy.gateway.recording import Stopwatch, Storing
from proxy.gateway.routing_table import RoutedChannel, RoutedClient
from proxy.sealing import RequestCopy

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

    @property
    def correlation_id(self) -> str:
        """As the caller sees it."""
        return str(self.call.correlation_id)

    @property
    def channel_name(self) -> str | None:
        """None in mode `pure_esb`."""
        return self.channel.name if self.channel else None

    @property
    def keeps_whole_bodies(self) -> bool:
        """Whether the request is stored to the byte."""
        return self.channel is not None and self.channel.keep_whole_bodies


def storing_for(settings: Settings, channel: RoutedChannel | None) -> Storing:
    """How much of the bodies is kept for calls of `channel`."""
    if channel is None:
        return Storing(settings.stored_body_max_chars)
    return Storing(
        settings.stored_body_max_chars, channel.store_request_body, channel.store_response_body
    )


def wants_async(call: Call) -> bool:
    """`?async=true`, `X-Async: true` or `Prefer: respond-async`."""
    if call.headers.get("X-Async", "").strip().lower() in _TRUE:
        return True
    if "respond-async" in preferences(call.headers):
        return True
    return query_value(call, "async").strip().lower() in _TRUE


def preferences(headers: Mapping[str, str]) -> dict[str, str]:
    """The preferences of `Prefer` (RFC 7240) by lower-case name; parameters are left out."""
    pairs = (part.partition(";")[0].partition("=") for part in headers.get("Prefer", "").split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def request_copy(call: Call, body: Body, *, is_async: bool) -> RequestCopy:
    """The request to the byte, without what stays behind anyway."""
    headers = forwarded_headers(call.headers, is_async=is_async)
    return RequestCopy(call.raw_path, call.raw_query, headers, body.read_whole())
