"""An OpenHIM that runs is asked over its API for what an export would hold."""

import hashlib
from typing import Any
from urllib.parse import quote, urlsplit

from common.clock import utc_now
from common.http.client import HttpClient
from common.http.outcomes import OutboundError, Timeouts
from common.importing.source import SourceError

from proxy.openhim.documents import CHANNELS, CLIENTS, MEDIATORS, USERS, Export

PATHS = {MEDIATORS: "mediators", CHANNELS: "channels", CLIENTS: "clients", USERS: "users"}
MAX_BYTES = 64 * 1024 * 1024
_TIMEOUTS = Timeouts(connect_s=5.0, read_s=60.0)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class RemoteOpenHim:
    """Reads with one user's password; `ca_file` says who signed its certificate.

    Raises SourceError for an address to which a password must not go in clear.
    """

    def __init__(self, url: str, user: str, password: str, ca_file: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise SourceError("The address must begin with https://")
        self._url = url.rstrip("/")
        self._user = user
        self._password = password
        self._verify: str | bool = ca_file or True
        self._client = HttpClient(_TIMEOUTS)

    def export(self) -> Export:
        """Everything as an export. Raises SourceError."""
        try:
            salt = self._salt()
            return Export.of({kind: self._list(path, salt) for kind, path in PATHS.items()})
        finally:
            self._client.close()

    def _salt(self) -> str:
        found = self._get(f"authenticate/{quote(self._user, '')}", {})
        if not isinstance(found, dict) or not isinstance(found.get("salt"), str):
            raise SourceError("OpenHIM does not answer as it should: there is no salt")
        return str(found["salt"])

    def _list(self, path: str, salt: str) -> list[Any]:
        found = self._get(path, self._log_in(salt))
        if not isinstance(found, list):
            raise SourceError(f"OpenHIM does not answer as it should: /{path} is no list")
        return found

    def _log_in(self, salt: str) -> dict[str, str]:
        """The headers of a log-in by token: every OpenHIM knows it."""
        moment = utc_now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        digest = _sha512(salt + self._password)
        return {
            "auth-username": self._user,
            "auth-ts": moment,
            "auth-salt": salt,
            "auth-token": _sha512(digest + salt + moment),
        }

    def _get(self, path: str, headers: dict[str, str]) -> Any:
        try:
            answer = self._client.request(
                "GET", f"{self._url}/{path}", headers=headers, verify=self._verify
            )
        except (OutboundError, OSError) as exc:
            raise SourceError(str(exc)) from exc
        if answer.status_code in {401, 403, 404}:
            raise SourceError(f"OpenHIM answered {answer.status_code}: is user or password wrong?")
        if answer.status_code != 200 or len(answer.content) > MAX_BYTES:
            raise SourceError(
                f"OpenHIM answered /{path.partition('/')[0]} otherwise than it should"
            )
        try:
            return answer.json()
        except ValueError as exc:
            raise SourceError("OpenHIM does not answer with JSON") from exc


def _sha512(text: str) -> str:
    return hashlib.sha512(text.encode("utf-8", "surrogatepass")).hexdigest()
