"""Requests to the engine over pooled connections, each with a bound on its time and its answer."""

from dataclasses import dataclass, field

from common import tracing
from common.http.answer import Limits
from common.http.endpoint import Endpoint
from common.http.pool import Pool

from esb_relay.wire.terms import Format

MAX_ANSWER_BYTES = 20 * 1024 * 1024

CONTENT_TYPES = {
    Format.JSON: "application/json; charset=utf-8",
    Format.XML: "application/xml; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Received:
    """An answer of the engine, to its last byte."""

    status: int
    body: bytes = field(repr=False)
    #: The `Content-Encoding`: none is asked for.
    coding: str = ""

    @property
    def work_bytes(self) -> int:
        """How many bytes there may be to work on."""
        return MAX_ANSWER_BYTES if self.coding else len(self.body)


class EngineClient:
    """Posts envelopes to the engine at `url`."""

    def __init__(self, url: str, *, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._endpoint = Endpoint.parse(url)
        # An engine that sends its answer too slowly has not answered in time.
        self._limits = Limits(silence_s=read_timeout_s, total_s=read_timeout_s)
        self._pool = Pool(connect_timeout_s)

    async def post(self, path: str, envelope: bytes, format_: Format, token: str) -> Received:
        """Send one envelope. Nothing is ever sent twice from here.

        Raises NotSent (nothing left), OutcomeUnknown and its kinds (it may have arrived).
        """
        with tracing.endpoint_span("POST", self._endpoint) as span:
            received = await self._post(path, envelope, format_, token)
            span.status(received.status)
            return received

    async def _post(self, path: str, envelope: bytes, format_: Format, token: str) -> Received:
        connection = await self._pool.take(self._endpoint)
        head = self._head(path, len(envelope), format_, token)
        answer = await connection.exchange("POST", head, envelope, self._limits)
        body = await answer.read_whole(MAX_ANSWER_BYTES)
        codings = [value for name, value in answer.headers if name.lower() == "content-encoding"]
        return Received(answer.status, body, ",".join(codings))

    def close(self) -> None:
        """Close the connections that rest."""
        self._pool.close()

    def _head(self, path: str, length: int, format_: Format, token: str) -> bytes:
        lines = [
            f"POST {self._endpoint.base_path}{path} HTTP/1.1",
            f"Host: {self._endpoint.authority}",
            f"Authorization: Bearer {token}",
            f"Content-Type: {CONTENT_TYPES[format_]}",
            f"Content-Length: {length}",
            "Accept: application/json, application/xml",
            "Accept-Encoding: identity",
            *(f"{name}: {value}" for name, value in tracing.outgoing_headers().items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
