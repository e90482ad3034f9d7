"""What goes back to the caller, and how refusals and failures are spelled."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from common.problems import MEDIA_TYPE, problem

CORRELATION_HEADER = "X-Correlation-Id"
Headers = list[tuple[str, str]]


@dataclass(slots=True)
class Reply:
    """An answer to a call: status, headers, body in pieces."""

    status: int
    headers: Headers
    body: Iterable[bytes]
    reason: str = ""

    def send(self, start_response: Callable[..., Any]) -> Iterator[bytes] | Iterable[bytes]:
        """Hand the answer to the WSGI server."""
        start_response(f"{self.status} {self.reason or phrase(self.status)}", self.headers)
        return self.body


def phrase(status: int) -> str:
    """The standard reason phrase."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def problem_reply(
    status: int,
    detail: str,
    correlation_id: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    field_errors: dict[str, Any] | None = None,
) -> Reply:
    """An error as `application/problem+json`."""
    body = json.dumps(
        problem(status, detail, field_errors=field_errors, correlation_id=correlation_id)
    ).encode()
    return bytes_reply(status, MEDIA_TYPE, body, correlation_id, headers=headers)


def bytes_reply(
    status: int,
    content_type: str,
    body: bytes,
    correlation_id: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
) -> Reply:
    """An answer of the hub itself."""
    return Reply(
        status,
        [
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            (CORRELATION_HEADER, correlation_id),
            *headers,
        ],
        [body],
    )
