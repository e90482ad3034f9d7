"""Kiungo's API, spoken to as one of its clients."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import requests

from kiungo.apps import KiungoSettings

#: Seconds to connect, and to wait for an answer.
TIMEOUT = (5, 60)
SCOPE = "policy:read policy:write policy:report"


class KiungoAway(Exception):
    """Kiungo did not answer as it should; the text holds nobody's data."""


class Kiungo:
    """A client with its token, which is fetched when it is needed."""

    def __init__(self, settings: KiungoSettings) -> None:
        self._settings = settings
        self._session = requests.Session()
        self._session.verify = settings.ca or True
        self._token: str | None = None

    def put(self, kind: str, records: Sequence[dict[str, Any]]) -> dict[int, str]:
        """Store records; returns why which of them, by their place, were not taken.

        Raises KiungoAway.
        """
        answer = self._ask("PUT", f"/api/policy-notification/{kind}/", json=list(records))
        if answer.status_code != HTTPStatus.OK:
            raise KiungoAway(f"Kiungo answered {answer.status_code} to {kind}")
        return {one["index"]: _reasons(one["errors"]) for one in answer.json()["rejected"]}

    def report(self, query: dict[str, str]) -> requests.Response:
        """The report of who can be notified, while it comes. Raises KiungoAway."""
        path = "/api/policy_notification/communication_by_notification_report/"
        return self._ask("GET", path, params=query, stream=True)

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request; a token that is not valid any more is fetched again, once."""
        for is_last in (False, True):
            headers = {"Authorization": f"Bearer {self._access_token()}"}
            answer = self._send(method, path, headers=headers, **options)
            if answer.status_code != HTTPStatus.UNAUTHORIZED or is_last:
                return answer
            self._token = None
        raise AssertionError("unreachable")

    def _access_token(self) -> str:
        if self._token is None:
            answer = self._send(
                "POST",
                "/oauth/token",
                data={"grant_type": "client_credentials", "scope": SCOPE},
                auth=(self._settings.client_id, self._settings.client_secret),
            )
            if answer.status_code != HTTPStatus.OK:
                raise KiungoAway(f"Kiungo answered {answer.status_code} to our credentials")
            self._token = str(answer.json()["access_token"])
        return self._token

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        try:
            return self._session.request(
                method, f"{self._settings.url}{path}", timeout=TIMEOUT, **options
            )
        except requests.RequestException as exc:
            raise KiungoAway(f"Kiungo cannot be reached ({type(exc).__name__})") from None


def _reasons(errors: Any) -> str:
    """The reasons by field, as one line; Kiungo's own words, without the values."""
    if not isinstance(errors, dict):
        return str(errors)[:1000]
    return "; ".join(f"{name}: {why}" for name, why in sorted(errors.items()))[:1000]
