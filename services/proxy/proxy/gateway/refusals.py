"""Refusals: why a request does not become a call, in the words and statuses of the contract."""

from typing import Any


class Refusal(Exception):
    """A request is answered with an error and goes no further; the text is for the caller."""

    status = 400
    headers: tuple[tuple[str, str], ...] = ()
    #: Refused after a channel had taken it: kept as a failed transaction as well.
    is_failed_call = False

    def __init__(self, reason: str, *, field_errors: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field_errors = field_errors


class AuthenticationRequired(Refusal):
    """Step 1."""

    status = 401
    headers = (("WWW-Authenticate", 'Basic realm="Kiungo", charset="UTF-8"'),)

    def __init__(self) -> None:
        super().__init__("Authentication required")


class InvalidCredentials(Refusal):
    """Step 2."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Invalid client credentials")


class AddressNotAllowed(Refusal):
    """Step 3."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Client IP is not allowed")


class NoChannel(Refusal):
    """Step 4: no active channel for the path; `nearest` says which were close."""

    status = 404

    def __init__(self, nearest: list[dict[str, str]]) -> None:
        super().__init__("No active channel for this path")
        self.nearest = nearest


class MethodNotAllowed(Refusal):
    """Step 4: the path has channels, none for the method."""

    status = 405

    def __init__(self, allow: tuple[str, ...]) -> None:
        super().__init__("Method not allowed for this channel")
        self.headers = (("Allow", ", ".join(allow)),)


class MediatorOffline(Refusal):
    """Step 4: there is a channel, its mediator is away."""

    status = 503
    headers = (("Retry-After", "30"),)

    def __init__(self) -> None:
        super().__init__("Matched mediator is offline")


class ClientNotAllowed(Refusal):
    """Step 5."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Client is not allowed on this channel")


class OrganizationRequired(Refusal):
    """Step 6."""

    def __init__(self) -> None:
        super().__init__("Organization is required for ESB routing")


class NoRegistration(Refusal):
    """Step 6."""

    status = 404

    def __init__(self) -> None:
        super().__init__("No external system registration for this organization")


class AmbiguousRegistration(Refusal):
    """Step 6."""

    status = 409

    def __init__(self) -> None:
        super().__init__("X-Organization and ?organization= name different organizations")


class BodyRequired(Refusal):
    """Step 7."""

    is_failed_call = True

    def __init__(self) -> None:
        super().__init__("Request body is required for this channel")


class UnsupportedContentType(Refusal):
    """Step 7."""

    status = 415
    is_failed_call = True

    def __init__(self, expected: str) -> None:
        super().__init__(f"Unsupported content type for this channel. Expected {expected}")


class BodyBreaksSchema(Refusal):
    """Step 7: `pointer` is the JSON pointer of the first member that breaks the schema."""

    status = 422
    is_failed_call = True

    def __init__(self, pointer: str, reason: str) -> None:
        where = pointer or "the whole body"
        super().__init__(f"{where}: {reason}", field_errors={pointer: [reason]})


class EsbBodyRefused(Refusal):
    """The body cannot be a payload for the bus, or the asked mode has no code."""

    is_failed_call = True


class BodyTooLarge(Refusal):
    """Step 8."""

    status = 413

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"The request body is larger than {max_bytes} bytes")


class Unreadable(Refusal):
    """The request broke off or cannot be understood."""


class NotRecorded(Refusal):
    """Step 9: the record cannot be written, so nothing was sent."""

    status = 503
    headers = (("Retry-After", "2"),)

    def __init__(self) -> None:
        super().__init__("The call cannot be recorded now; nothing was sent")


class KeyReused(Refusal):
    """The same Idempotency-Key came with another request."""

    status = 422

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used with another request")


class KeyInUse(Refusal):
    """The first call under this Idempotency-Key has not ended yet."""

    status = 409
    headers = (("Retry-After", "1"),)

    def __init__(self) -> None:
        super().__init__("The first call with this Idempotency-Key is still in progress")


class KeyAnswerNotKept(Refusal):
    """The first answer under this Idempotency-Key was too large to be given again."""

    status = 409

    def __init__(self) -> None:
        super().__init__("The first answer to this Idempotency-Key was too large to be kept")
