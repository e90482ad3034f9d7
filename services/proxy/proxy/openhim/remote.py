"""An OpenHIM that runs is asked over its API for what an export would hold."""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from common.clock import rfc3339, utc_now
from common.http.client import HttpClient
from common.http.outcomes import OutboundError, Timeouts
from common.importing.source import SourceError

from proxy.openhim.documents import CHANNELS, CLIENTS, MEDIATORS, USERS, Export
from proxy.openhim.reading import Document, moment_of, text

PATHS = {MEDIATORS: "mediators", CHANNELS: "channels", CLIENTS: "clients", USERS: "users"}
MAX_BYTES = 64 * 1024 * 1024
#: Calls of a page: all of it, bodies too, is one answer.
PAGE_ROWS = 50
#: OpenHIM's times are whole milliseconds, and the last one of a page may be shared.
_SLACK = timedelta(milliseconds=1)
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
        salt = self._salt()
        return Export.of({kind: self._list(path, salt) for kind, path in PATHS.items()})

    def transactions(self, since: datetime, until: datetime) -> Iterator[list[Document]]:
        """The calls from `since` to `until`, newest first, whole. Raises SourceError.

        Each page is asked for by the time that the one before came back to: pages by number would
        move while calls are made, and cost ever more.
        """
        salt, seen, edge, page = self._salt(), set[str](), until, 0
        while True:
            found = self._list(_page_path(since, edge, page), salt)
            news = [one for one in found if text(one, "_id") not in seen]
            if news:
                yield news
            seen = {text(one, "_id") for one in found} | (seen if page else set())
            if len(found) < PAGE_ROWS:
                return
            back_to = min([edge, *(moment + _SLACK for moment in _moments(found))])
            # So many calls of one moment are told apart by the number of their page only.
            page = page + 1 if back_to == edge else 0
            edge = back_to

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

    def _salt(self) -> str:
        found = self._get(f"authenticate/{quote(self._user, '')}", {})
        if not isinstance(found, dict) or not isinstance(found.get("salt"), str):
            raise SourceError("OpenHIM does not answer as it should: there is no salt")
        return str(found["salt"])

    def _list(self, path: str, salt: str) -> list[Document]:
        found = self._get(path, self._log_in(salt))
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            noun = path.partition("?")[0]
            raise SourceError(f"OpenHIM does not answer as it should: /{noun} is no list")
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
                f"OpenHIM answered /{re.split('[/?]', path)[0]} otherwise than it should"
            )
        try:
            return answer.json()
        except ValueError as exc:
            raise SourceError("OpenHIM does not answer with JSON") from exc


def _page_path(since: datetime, until: datetime, page: int) -> str:
    bounds = json.dumps({"$gte": rfc3339(since), "$lte": rfc3339(until)})
    query = {
        "filterLimit": PAGE_ROWS,
        "filterPage": page,
        "filterRepresentation": "full",
        "filters": json.dumps({"request.timestamp": bounds}),
    }
    return f"transactions?{urlencode(query)}"


def _moments(found: list[Document]) -> list[datetime]:
    moments = (moment_of((one.get("request") or {}).get("timestamp")) for one in found)
    return [one for one in moments if one is not None]


def _sha512(text: str) -> str:
    return hashlib.sha512(text.encode("utf-8", "surrogatepass")).hexdigest()
