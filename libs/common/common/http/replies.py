"""What a server of the hot paths says itself, as the services' other answers are spelled."""

import json
from collections.abc import Iterable
from typing import Any

from common.errors import DomainError, Invalid
from common.http.server_messages import Fields, Reply
from common.web.problems import MEDIA_TYPE, headers_of, problem, status_of

__all__ = ["CORRELATION_HEADER", "Fields", "Reply", "error_reply", "json_reply", "problem_reply"]

CORRELATION_HEADER = "X-Correlation-Id"


def problem_reply(
    status: int,
    detail: str,
    correlation_id: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    field_errors: dict[str, Any] | None = None,
) -> Reply:
    """An error as `application/problem+json`."""
    body = problem(status, detail, field_errors=field_errors, correlation_id=correlation_id)
    return json_reply(status, body, correlation_id, headers=headers, media_type=MEDIA_TYPE)


def error_reply(error: DomainError, correlation_id: str) -> Reply:
    """A domain error as `application/problem+json`."""
    return problem_reply(
        status_of(error),
        str(error),
        correlation_id,
        headers=headers_of(error).items(),
        field_errors=error.errors if isinstance(error, Invalid) else None,
    )


def json_reply(
    status: int,
    body: Any,
    correlation_id: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    media_type: str = "application/json",
) -> Reply:
    """An answer of the hub itself."""
    fields = [
        ("Content-Type", media_type),
        (CORRELATION_HEADER, correlation_id),
        ("X-Content-Type-Options", "nosniff"),
        *headers,
    ]
    return Reply(status, fields, json.dumps(body).encode())
