"""Rejections: why a request does not become a call, in the words and statuses of the contract."""

from typing import Any

from common.http.replies import Reply, problem_reply
from common.texts import N_

from proxy.access.throttle import TOO_MANY


class RejectedCall(Exception):
    """A request is answered with an error and goes no further; the text is for the caller."""

    status = 400
    reason = ""
    headers: tuple[tuple[str, str], ...] = ()
    #: Refused after a channel had taken it: kept as a failed transaction as well.
    is_failed_call = False
    #: It may have gone further all the same.
    may_have_acted = False

    def __init__(self, reason: str = "", *, field_errors: dict[str, Any] | None = None) -> None:
        self.reason = reason or self.reason
        super().__init__(self.reason)
        self.field_errors = field_errors

    def reply(self, correlation_id: str) -> Reply:
        """The problem that the caller gets."""
        return problem_reply(
            self.status,
            self.reason,
            correlation_id,
            headers=self.headers,
            field_errors=self.field_errors,
        )


class AuthenticationRequired(RejectedCall):
    """There are no credentials."""

    status = 401
    headers = (("WWW-Authenticate", 'Basic realm="Kiungo", charset="UTF-8"'),)
    reason = N_("Authentication required")


class InvalidCredentials(RejectedCall):
    """There is no such client, or the secret is wrong."""

    status = 403
    reason = N_("Invalid client credentials")


class TooManyWrongSecrets(RejectedCall):
    """There were too many wrong secrets from here, or for this client, lately."""

    status = 429

    def __init__(self, wait_s: int) -> None:
        super().__init__(TOO_MANY)
        self.headers = (("Retry-After", str(wait_s)),)


class TooManyCalls(RejectedCall):
    """The client makes more calls than it may, `a second` or `at a time`."""

    status = 429

    def __init__(self, unit: str, limit: int, wait_s: int) -> None:
        super().__init__(f"Too many calls of this client {unit}")
        name = "rate" if unit == "a second" else "concurrent"
        window = ";w=1" if name == "rate" else ""
        self.headers = (
            ("Retry-After", str(wait_s)),
            ("RateLimit-Policy", f'"{name}";q={limit}{window}'),
            ("RateLimit", f'"{name}";r=0;t={wait_s}'),
        )


class MediatorCircuitOpen(RejectedCall):
    """The channel's mediator did not answer lately, and is left alone for a while."""

    status = 503
    reason = N_("Circuit open: the mediator did not answer lately; the call was not sent")

    def __init__(self, wait_s: int) -> None:
        super().__init__()
        self.headers = (("Retry-After", str(wait_s)),)


class CertificateUnknown(RejectedCall):
    """The certificate was signed by a known authority, and no active client is bound to it."""

    status = 403
    reason = N_("No active client has this certificate")


class TokenRejected(RejectedCall):
    """A bearer token that is not valid, or whose client has been deactivated or narrowed since."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        if status == 401:
            self.headers = (("WWW-Authenticate", 'Bearer error="invalid_token"'),)


class AddressNotAllowed(RejectedCall):
    """The client may not call from this address."""

    status = 403
    reason = N_("Client IP is not allowed")


class NoChannel(RejectedCall):
    """No active channel for the path; `nearest` says which were close."""

    status = 404

    def __init__(self, nearest: list[dict[str, str]]) -> None:
        super().__init__(N_("No active channel for this path"))
        self.nearest = nearest


class MethodNotAllowed(RejectedCall):
    """The path has channels, none for the method."""

    status = 405

    def __init__(self, allow: tuple[str, ...]) -> None:
        super().__init__(N_("Method not allowed for this channel"))
        self.headers = (("Allow", ", ".join(allow)),)


class MediatorOffline(RejectedCall):
    """There is a channel, its mediator is away."""

    status = 503
    headers = (("Retry-After", "30"),)
    reason = N_("Matched mediator is offline")


class ClientAway(RejectedCall):
    """A channel's messages or polls are for a client that there is not."""

    status = 403

    def __init__(self, client_id: str) -> None:
        super().__init__(f"The channel acts for {client_id}, which is no active client")


class ClientNotAllowed(RejectedCall):
    """Neither the client nor a role of it is on the channel's list."""

    status = 403
    reason = N_("Client is not allowed on this channel")


class OrganizationRequired(RejectedCall):
    """A registration decides, and no organization is named."""

    reason = N_("Organization is required for ESB routing")


class NoRegistration(RejectedCall):
    """The organization has no registration here."""

    status = 404
    reason = N_("No external system registration for this organization")


class ClientMayNotActForOrganization(RejectedCall):
    """The registration lists other clients."""

    status = 403
    reason = N_("Client may not act for this organization")


class AmbiguousRegistration(RejectedCall):
    """Header and query name two organizations."""

    status = 409
    reason = N_("X-Organization and ?organization= name different organizations")


class BodyRequired(RejectedCall):
    """The channel demands a body, and there is none."""

    is_failed_call = True
    reason = N_("Request body is required for this channel")


class UnsupportedContentType(RejectedCall):
    """The channel takes another media type."""

    status = 415
    is_failed_call = True

    def __init__(self, expected: str) -> None:
        super().__init__(f"Unsupported content type for this channel. Expected {expected}")


class UnsupportedContentCoding(RejectedCall):
    """The body would have to be unpacked, and cannot be."""

    status = 415
    headers = (("Accept-Encoding", "gzip, deflate, br, zstd, identity"),)
    is_failed_call = True
    reason = N_("Unsupported content coding: this channel looks into request bodies")


class BodyRulesTooLarge(RejectedCall):
    """The body is larger, as it came or unpacked, than what is looked into."""

    status = 413
    is_failed_call = True

    def __init__(self, max_bytes: int) -> None:
        super().__init__(
            "Request bodies are looked into here, and none larger than "
            f"{max_bytes} bytes (BODY_RULES_MAX_BYTES)"
        )


class BodyBreaksSchema(RejectedCall):
    """`pointer` is the JSON pointer of the first member that breaks the schema."""

    status = 422
    is_failed_call = True

    def __init__(self, pointer: str, reason: str) -> None:
        where = pointer or "the whole body"
        super().__init__(f"{where}: {reason}", field_errors={pointer: [reason]})


class EsbBodyRejected(RejectedCall):
    """The body cannot be a payload for the bus, or the asked mode has no code."""

    is_failed_call = True


class BodyTooLarge(RejectedCall):
    """The body is larger than any that is taken."""

    status = 413

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"The request body is larger than {max_bytes} bytes")


class Unreadable(RejectedCall):
    """The request broke off or cannot be understood."""


class NotRecorded(RejectedCall):
    """The record cannot be written, so nothing was sent."""

    status = 503
    headers = (("Retry-After", "2"),)
    reason = N_("The call cannot be recorded now; nothing was sent")


class MaybeRecorded(RejectedCall):
    """Whether an asynchronous call is on record is not known."""

    status = 503
    headers = (("Retry-After", "2"),)
    may_have_acted = True
    reason = N_("It is not known whether the call was recorded; ask for its state later")


class KeyReused(RejectedCall):
    """The same Idempotency-Key came with another request."""

    status = 422
    reason = N_("This Idempotency-Key was used with another request")


class KeyInUse(RejectedCall):
    """The first call under this Idempotency-Key has not ended yet."""

    status = 409
    headers = (("Retry-After", "1"),)
    reason = N_("The first call with this Idempotency-Key is still in progress")


class KeyAnswerNotKept(RejectedCall):
    """The first answer under this Idempotency-Key was too large to be given again."""

    status = 409
    reason = N_("The first answer to this Idempotency-Key was too large to be kept")
