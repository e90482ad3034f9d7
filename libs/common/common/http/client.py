"""Outbound HTTP from threads: `requests` with mandatory time-outs."""

import ssl
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidHeader, InvalidSchema, InvalidURL, MissingSchema
from urllib3.exceptions import LocationValueError, NewConnectionError, SSLError

from common import tracing
from common.http.outcomes import NotSent, OutcomeUnknown, TimedOut, Timeouts


class _Session(requests.Session):
    """A session to which a redirect is an answer: it does not even read where that leads."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""


class HttpClient:
    """A `requests.Session` that cannot forget a time-out and passes the request context on."""

    def __init__(self, timeouts: Timeouts, *, pool_size: int = 32) -> None:
        self._timeouts = timeouts
        self._session = _Session()
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=pool_size, max_retries=0))

    def request(
        self, method: str, url: str, *, timeouts: Timeouts | None = None, **kwargs: Any
    ) -> requests.Response:
        """Send one request; redirects are not followed.

        Raises NotSent when no connection was made, OutcomeUnknown when the answer is missing.
        """
        limits = timeouts or self._timeouts
        if not tracing.is_on():
            return self._request(method, url, limits, **kwargs)
        with tracing.call_span(method, url) as span:
            answer = self._request(method, url, limits, **kwargs)
            span.status(answer.status_code)
            return answer

    def _request(self, method: str, url: str, limits: Timeouts, **kwargs: Any) -> requests.Response:
        headers = {**tracing.outgoing_headers(), **(kwargs.pop("headers", None) or {})}
        try:
            return self._session.request(
                method,
                url,
                headers=headers,
                timeout=(limits.connect_s, limits.read_s),
                allow_redirects=False,
                **kwargs,
            )
        except (InvalidHeader, InvalidSchema, InvalidURL, LocationValueError, MissingSchema) as exc:
            raise NotSent(f"{_host(url)} is no address that can be called") from exc
        except requests.ConnectTimeout as exc:
            raise NotSent(f"{_host(url)} did not accept a connection in time") from exc
        except requests.ReadTimeout as exc:
            raise TimedOut(f"{_host(url)} did not answer in time") from exc
        except requests.ConnectionError as exc:
            if _never_connected(exc):
                raise NotSent(f"{_host(url)} cannot be reached") from exc
            raise OutcomeUnknown(f"{_host(url)} broke the connection off") from exc
        except requests.RequestException as exc:
            raise OutcomeUnknown(f"{_host(url)} did not answer properly") from exc

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()


def _host(url: str) -> str:
    """The host of `url` for a message: without credentials, path or query."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "this"
    except ValueError:
        return "this"


def _never_connected(error: requests.ConnectionError) -> bool:
    """urllib3 says NewConnectionError (within MaxRetryError) exactly when no socket opened.

    Encryption may break after the request as well; a certificate is refused before it.
    """
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, SSLError):
        return isinstance(next(iter(reason.args), None), ssl.SSLCertVerificationError)
    return isinstance(reason, NewConnectionError)
