"""Outbound HTTP from an event loop: short requests to services whose address is a setting."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit

from common import tracing
from common.http.answer import Limits
from common.http.endpoint import Endpoint
from common.http.outcomes import NotSent, Timeouts
from common.http.pool import Pool
from common.outbound import ANYWHERE, OutboundRules

#: Larger answers are refused.
MAX_ANSWER_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class AsyncHttpClient:
    """Requests over pooled connections, each with time-outs; redirects are answers.

    What is sent carries the current request context and a `Content-Length`.
    """

    def __init__(
        self,
        timeouts: Timeouts,
        *,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        rules: OutboundRules = ANYWHERE,
    ) -> None:
        self._timeouts = timeouts
        self._max_answer_bytes = max_answer_bytes
        self._pool = Pool(timeouts.connect_s, rules)

    async def request(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Response:
        """Send one request. Raises NotSent when nothing left, OutcomeUnknown for no answer."""
        if not tracing.is_on():
            return await self._request(method, url, body, headers)
        with tracing.call_span(method, url) as span:
            response = await self._request(method, url, body, headers)
            span.status(response.status_code)
            return response

    async def _request(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Response:
        endpoint, target = _split(url)
        sent = {**tracing.outgoing_headers(), **headers}
        lines = [f"{method} {target} HTTP/1.1", f"Host: {endpoint.authority}"]
        lines += [f"{name}: {value}" for name, value in sent.items()]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
        if head.count("\n") != len(lines) + 2 or head.count("\r") != len(lines) + 2:
            raise NotSent("a header field is no line of text")
        limits = Limits(self._timeouts.read_s, self._timeouts.total_s)
        try:
            connection = await self._pool.take(endpoint)
        except NotSent as exc:
            raise NotSent(f"{endpoint.authority} {exc}") from exc
        answer = await connection.exchange(method, head.encode(), body, limits)
        content = await answer.read_whole(self._max_answer_bytes)
        fields = {name.lower(): value for name, value in answer.headers}
        return Response(answer.status, fields, content)

    def close(self) -> None:
        """Close the resting connections."""
        self._pool.close()


@lru_cache(maxsize=64)
def _split(url: str) -> tuple[Endpoint, str]:
    """The endpoint and the request target. Raises NotSent for what is no address."""
    try:
        parts = urlsplit(url)
        endpoint = Endpoint.parse(url)
    except ValueError as exc:
        raise NotSent("this is no address that can be called") from exc
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return endpoint, quote(target, safe="%/:=&?~#+!$,;'@()*[]")
