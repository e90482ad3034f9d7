"""Errors on the wire: RFC 9457 `application/problem+json`, in one shape for all services.

`{"type", "title", "status", "detail", "errors"?, "ok": false, "error", "correlation_id"?}`
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from werkzeug.exceptions import HTTPException

from common import errors
from common.correlation import current_request_context
from common.logs import get_logger
from common.reasons import reason, reasons
from common.texts import N_, _, language

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

#: Phrases of the statuses that our services answer.
TITLES = (
    N_("Bad Request"),
    N_("Unauthorized"),
    N_("Forbidden"),
    N_("Not Found"),
    N_("Method Not Allowed"),
    N_("Conflict"),
    N_("Precondition Failed"),
    N_("Request Entity Too Large"),
    N_("Unsupported Media Type"),
    N_("Unprocessable Entity"),
    N_("Too Many Requests"),
    N_("Internal Server Error"),
    N_("Service Unavailable"),
)

_STATUS: dict[type[errors.DomainError], HTTPStatus] = {
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Stale: HTTPStatus.PRECONDITION_FAILED,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMedia: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def problem(
    status: int,
    detail: str,
    *,
    field_errors: Mapping[str, Any] | None = None,
    correlation_id: str | None = None,
) -> dict[str, Any]:
    """The problem object for `status`; `detail` is one line for a human."""
    request_context = current_request_context()
    correlation_id = correlation_id or (request_context.correlation_id if request_context else None)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": _(HTTPStatus(status).phrase),
        "status": status,
        "detail": detail,
        "ok": False,
        "error": detail,
    }
    if field_errors:
        body["errors"] = dict(field_errors)
    if correlation_id:
        body["correlation_id"] = correlation_id
    return body


def problem_response(
    status: int,
    detail: str,
    *,
    field_errors: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The same as a Flask response."""
    body = problem(status, detail, field_errors=field_errors)
    said = {"Content-Language": language(), **(headers or {})}
    return Response(json.dumps(body), status, said, content_type=MEDIA_TYPE)


def status_of(error: errors.DomainError) -> HTTPStatus:
    """The status of the nearest class in the table."""
    for cls in type(error).__mro__:
        if cls in _STATUS:
            return _STATUS[cls]
    return HTTPStatus.BAD_REQUEST


def register_problem_handlers(app: Flask) -> None:
    """Answer every error of `app` as a problem."""
    app.register_error_handler(errors.DomainError, _domain_error)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(IntegrityError, _integrity_error)
    app.register_error_handler(OperationalError, _database_down)
    app.register_error_handler(NoFreeConnection, _database_down)
    app.register_error_handler(Exception, _unexpected)


def headers_of(error: errors.DomainError) -> dict[str, str]:
    """What an answer with this error says besides."""
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, errors.TooManyRequests):
        return {"Retry-After": str(error.retry_after_s)}
    return {}


def _domain_error(error: errors.DomainError) -> Response:
    detail, found = str(error), error.errors if isinstance(error, errors.Invalid) else {}
    said = reasons(found)
    detail = first_reason(said) if found and detail == first_reason(found) else reason(detail)
    return problem_response(status_of(error), detail, field_errors=said, headers=headers_of(error))


def _http_exception(error: HTTPException) -> Response:
    """Werkzeug's and flask-smorest's aborts; a 405 keeps its Allow, a redirect stays one."""
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()  # type: ignore[return-value]
    data: Mapping[str, Any] = getattr(error, "data", None) or {}
    messages = reasons(data.get("messages") or data.get("errors"))
    detail = data.get("message") or (first_reason(messages) if messages else error.description)
    kept = ("Allow", "Retry-After", "WWW-Authenticate")
    headers = {name: value for name, value in error.get_headers() if name in kept}
    return problem_response(
        error.code,
        reason(detail or HTTPStatus(error.code).phrase),
        field_errors=_without_location(messages),
        headers=headers,
    )


def _without_location(messages: Any) -> dict[str, Any] | None:
    """webargs groups messages by location (`json`, `query`); callers think in fields."""
    if not isinstance(messages, dict):
        return None
    if len(messages) == 1 and next(iter(messages)) in {"json", "query", "form", "headers"}:
        inner = next(iter(messages.values()))
        return inner if isinstance(inner, dict) else {"_schema": inner}
    return messages


def first_reason(messages: Any, path: str = "") -> str:
    """`priority: Not a valid integer.`: the first message with the path of its field."""
    if isinstance(messages, dict) and messages:
        key, inner = next(iter(messages.items()))
        hidden = key in {"json", "query", "form", "_schema"}
        return first_reason(inner, path if hidden else f"{path}.{key}".lstrip("."))
    if isinstance(messages, (list, tuple)) and messages:
        return first_reason(messages[0], path)
    return f"{path}: {messages}" if path else str(messages)


def _integrity_error(error: IntegrityError) -> Response:
    """A broken constraint is a conflict; the database's words stay in the log."""
    log.info("integrity_error", constraint=str(error.orig).splitlines()[0])
    taken = taken_fields(error)
    if not taken:
        return problem_response(
            HTTPStatus.CONFLICT, _("This would contradict a record that already exists")
        )
    return problem_response(
        HTTPStatus.CONFLICT,
        _("%(value)s: taken by another record", value=_(" and ").join(taken)),
        field_errors=reasons(taken),
    )


#: `UNIQUE constraint failed: clients.name, clients.…` and, in any language, `(name, …)=(…)`.
_TAKEN = (
    re.compile(r"UNIQUE constraint failed: ((?:\w+\.\w+(?:, )?)+)"),
    re.compile(r"uq_\w+\b[\s\S]*?\((\w+(?:, \w+)*)\)=\("),
)


def taken_fields(error: IntegrityError) -> dict[str, list[str]]:
    """The fields that must be unique and are not, each with its reason; empty: another rule."""
    words = str(error.orig)
    found = next((match for match in (rule.search(words) for rule in _TAKEN) if match), None)
    if found is None:
        return {}
    columns = (column.rpartition(".")[2] for column in found.group(1).split(", "))
    return {column: ["Taken by another record."] for column in columns}


def _database_down(error: SQLAlchemyError) -> Response:
    log.error("database_unavailable", reason=type(getattr(error, "orig", error)).__name__)
    return problem_response(
        HTTPStatus.SERVICE_UNAVAILABLE,
        _("The database cannot be reached now; whether anything was changed is not known"),
        headers={"Retry-After": "2"},
    )


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected_error", exc_info=error)
    return problem_response(
        HTTPStatus.INTERNAL_SERVER_ERROR, _("Something went wrong on our side; the log knows more")
    )
