"""The hub as one object: `kiungo.proxy`, `.esb_relay`, `.notification`, `.policy_notify`."""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from kiungo_client.apis.esb_relay import EsbRelay
from kiungo_client.apis.notification import Notification
from kiungo_client.apis.policy_notify import PolicyNotify
from kiungo_client.apis.proxy import Proxy
from kiungo_client.errors import NotSent, OutcomeUnknown
from kiungo_client.tokens import Credentials
from kiungo_client.transport import USUAL_TIMEOUT, Request, Transport, content

UNAUTHORIZED = 401


class Kiungo:
    """A hub at `url`, asked with `credentials`; every request has a time-out.

    `verify`: whether TLS certificates are checked, or the file of who may vouch for them.
    Each method raises NotSent, OutcomeUnknown, ProblemError.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        timeout: tuple[float, float] = USUAL_TIMEOUT,
        verify: bool | str = True,
    ) -> None:
        self._transport = Transport(url, timeout=timeout, verify=verify)
        self._credentials = credentials
        self.proxy = Proxy(self.send)
        self.esb_relay = EsbRelay(self.send)
        self.notification = Notification(self.send)
        self.policy_notify = PolicyNotify(self.send)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._transport.close()

    def send(self, request: Request) -> Any:
        """Send a request and read its answer. A token that was rejected is renewed once: a 401
        says that nothing was done.
        """
        answer = self._transport.send(request, token=self._token())
        if answer.status_code == UNAUTHORIZED and self._credentials.forget():
            answer = self._transport.send(request, token=self._token())
        return content(answer)

    def _token(self) -> str:
        """A token. Without one the request itself was not sent, whatever became of the token's."""
        try:
            return self._credentials.token(self._transport)
        except OutcomeUnknown as exc:
            raise NotSent(f"No token came: {exc}") from exc


def each(operation: Callable[..., Any], *places: Any, **query: Any) -> Iterator[dict[str, Any]]:
    """All records of a list, page after page: `each(kiungo.proxy.list_transactions, q="lab")`."""
    cursor: str | None = query.pop("cursor", None)
    while True:
        page = operation(*places, **query, cursor=cursor)
        yield from page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return
