"""What can come of a request besides a good answer: not sent, answered with a problem, unknown."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any


class KiungoError(Exception):
    """Anything that this package raises by itself."""


class NotSent(KiungoError):
    """No byte of the request arrived: it may be made again."""


class OutcomeUnknown(KiungoError):
    """The request may have arrived, its answer did not.

    `idempotency_key`: the same request with this key acts once; None: look before you repeat it.
    """

    def __init__(self, message: str, idempotency_key: str | None = None) -> None:
        super().__init__(message)
        self.idempotency_key = idempotency_key


class ProblemError(KiungoError):
    """The hub answered with an error (RFC 9457); `errors` has reasons by field."""

    def __init__(self, status: int, document: Mapping[str, Any], correlation_id: str = "") -> None:
        self.status = status
        self.title = str(document.get("title") or document.get("error") or _phrase(status))
        self.detail = str(document.get("detail") or document.get("error_description") or "")
        errors = document.get("errors")
        self.errors: Mapping[str, Any] = errors if isinstance(errors, Mapping) else {}
        self.correlation_id = str(document.get("correlation_id") or correlation_id)
        super().__init__(f"{status} {self.detail or self.title}")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown status"
