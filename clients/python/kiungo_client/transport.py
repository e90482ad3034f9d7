"""One request and its answer over HTTP, with the three outcomes told apart."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from urllib3 import exceptions as urllib3_errors

from kiungo_client.errors import NotSent, OutcomeUnknown, ProblemError

#: Seconds to connect, and to wait for the next byte of the answer.
USUAL_TIMEOUT = (5.0, 60.0)
_NEVER_LEFT = (
    urllib3_errors.NewConnectionError,
    urllib3_errors.ConnectTimeoutError,
    urllib3_errors.SSLError,
    urllib3_errors.ProxyError,
)


@dataclass(frozen=True)
class Request:
    """A request to the hub; `path` begins with a slash. A body that is no bytes becomes JSON."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Any = field(default=None, repr=False)
    media_type: str | None = None
    idempotency_key: str | None = None


class Transport:
    """Sends requests to one hub; proxies and .netrc of the environment do not count."""

    def __init__(self, url: str, *, timeout: tuple[float, float], verify: bool | str) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = verify

    def send(self, request: Request, **authorization: Any) -> requests.Response:
        """The answer, whatever its status. Raises NotSent, OutcomeUnknown."""
        headers = {"Accept": "*/*", **request.headers}
        if request.media_type is not None:
            headers["Content-Type"] = request.media_type
        if "token" in authorization:
            headers["Authorization"] = f"Bearer {authorization['token']}"
        try:
            return self._session.request(
                request.method,
                self.url + request.path,
                params={name: _spelled(value) for name, value in request.query.items()},
                headers=headers,
                data=_encoded(request.body, request.media_type),
                auth=authorization.get("auth"),
                timeout=self._timeout,
                allow_redirects=False,
            )
        except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as exc:
            raise NotSent(f"{self.url} is no address of a hub") from exc
        except requests.exceptions.RequestException as exc:
            where = f"{request.method} {request.path}"
            if _never_left(exc):
                raise NotSent(f"{where}: {self.url} cannot be reached") from exc
            words = f"{where}: the outcome is unknown, no whole answer came"
            raise OutcomeUnknown(words, request.idempotency_key) from exc

    def close(self) -> None:
        """Close its connections."""
        self._session.close()


def content(answer: requests.Response) -> Any:
    """What an answer holds: JSON, None, or bytes. Raises ProblemError for an error."""
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    is_json = media_type == "application/json" or media_type.endswith("+json")
    if answer.status_code >= 400:
        correlation_id = answer.headers.get("X-Correlation-Id", "")
        raise ProblemError(answer.status_code, _document(answer, is_json), correlation_id)
    if not answer.content:
        return None
    return answer.json() if is_json else answer.content


def _document(answer: requests.Response, is_json: bool) -> Mapping[str, Any]:
    try:
        found = answer.json() if is_json else None
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _never_left(error: requests.exceptions.RequestException) -> bool:
    """Whether the connection was never made; an unknown reason counts as: it may have left."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    reason: Any = error.args[0] if error.args else None
    return isinstance(getattr(reason, "reason", reason), _NEVER_LEFT)


def _spelled(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _encoded(body: Any, media_type: str | None) -> Any:
    is_form = media_type == "application/x-www-form-urlencoded"
    if body is None or isinstance(body, (bytes, str)) or is_form:
        return body
    return json.dumps(body).encode()
