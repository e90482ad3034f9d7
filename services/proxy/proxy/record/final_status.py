"""How a call has ended, by what it was answered. Pure: see docs/decisions/026."""

from collections.abc import Collection

from proxy.models import TransactionStatus

#: How OpenHIM's mediators spell it.
_SPELLED = {
    "successful": TransactionStatus.SUCCESSFUL,
    "completed": TransactionStatus.COMPLETED,
    "completed with error(s)": TransactionStatus.COMPLETED_WITH_ERRORS,
    "completed with errors": TransactionStatus.COMPLETED_WITH_ERRORS,
    "failed": TransactionStatus.FAILED,
}


#: What the errors of calls say whose request may have arrived while its answer did not.
_NOT_KNOWN = "outcome unknown"


def is_outcome_unknown(error_message: str | None) -> bool:
    """Whether a failed call may have acted, by what its record says."""
    return error_message is not None and _NOT_KNOWN in error_message


def spelled_status(text: object) -> TransactionStatus | None:
    """The status that a mediator gives its call; None for any other text."""
    return _SPELLED.get(text.strip().lower()) if isinstance(text, str) else None


def status_for(response_status_code: int) -> TransactionStatus:
    """Of a call with one answer: 2xx and 3xx are successes."""
    if 200 <= response_status_code < 400:
        return TransactionStatus.SUCCESSFUL
    return TransactionStatus.FAILED


def judged_status(
    primary: int, secondary: Collection[int] = (), own: TransactionStatus | None = None
) -> TransactionStatus:
    """Of a call with a mediator's report or secondary routes: OpenHIM's rule.

    `secondary` are the routes' statuses; one without an answer counts as 502.
    """
    if own is not None:
        return own
    if primary >= 500:
        return TransactionStatus.FAILED
    if any(status >= 500 for status in secondary):
        return TransactionStatus.COMPLETED_WITH_ERRORS
    if all(200 <= status < 300 for status in (primary, *secondary)):
        return TransactionStatus.SUCCESSFUL
    return TransactionStatus.COMPLETED
