"""Access tokens: fetched when one is needed, renewed before they end."""

import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from kiungo_client.transport import Request, Transport, content

#: A token is renewed so many seconds before its end.
MARGIN_S = 30.0


class Credentials(Protocol):
    """What gives tokens; `forget` after a token was rejected."""

    def token(self, transport: Transport) -> str:
        """A token that holds now. Raises NotSent, OutcomeUnknown, ProblemError."""

    def forget(self) -> bool:
        """Whether another token can be had."""


@dataclass(frozen=True)
class FixedToken:
    """A token that somebody else fetched."""

    value: str = field(repr=False)

    def token(self, _transport: Transport) -> str:
        """The token."""
        return self.value

    def forget(self) -> bool:
        """There is no other one."""
        return False


@dataclass
class ClientCredentials:
    """A client's id and secret; may be shared by threads. `scopes`: all of the client's."""

    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    _token: str = field(default="", init=False, repr=False)
    _until: float = field(default=0.0, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def token(self, transport: Transport) -> str:
        """A token that holds for some time yet."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._fetch(transport)
            return self._token

    def forget(self) -> bool:
        """Fetch another one for the next request."""
        self._until = 0.0
        return True

    def _fetch(self, transport: Transport) -> None:
        form = {"grant_type": "client_credentials"}
        if self.scopes:
            form["scope"] = " ".join(self.scopes)
        media_type = "application/x-www-form-urlencoded"
        request = Request("POST", "/oauth/token", body=form, media_type=media_type)
        given = content(transport.send(request, auth=(self.client_id, self.client_secret)))
        self._token = given["access_token"]
        self._until = time.monotonic() + max(given["expires_in"] - MARGIN_S, 0.0)
