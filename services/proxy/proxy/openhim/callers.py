"""Who asks at OpenHIM's addresses: a client with its secret, a bearer token, a log-in by token."""

from dataclasses import dataclass

from common.clock import utc_now
from common.errors import DomainError, Forbidden, NotFound, TooManyRequests, Unauthenticated
from common.web.tokens import Identity, TokenVerifier
from flask import current_app, g, request

from proxy.access import log_ins
from proxy.access.caller import caller_address
from proxy.access.clients import find_active
from proxy.access.log_ins import SCOPE, Claim
from proxy.access.scopes import excess
from proxy.access.throttle import TOO_MANY
from proxy.access.tokens import GrantError, authenticated, check_client_address
from proxy.container import container
from proxy.gateway.callers import Credentials
from proxy.models import Client, Mediator

#: The wide scopes, and narrow ones.
READ, ADMIN = "proxy:read", "proxy:admin"
CALLS, BODIES = "proxy:transactions", "proxy:transactions:bodies"
CLIENTS, CHANNELS, MEDIATORS = "proxy:clients", "proxy:channels", "proxy:mediators"


class NotUnderstood(DomainError):
    """The request is not what OpenHIM's protocol says (400)."""


@dataclass(frozen=True)
class Caller:
    """A client and what it may do here."""

    client_id: str
    scopes: frozenset[str]

    def need(self, *scopes: str) -> None:
        """Raises Forbidden where the caller has none of them."""
        if not self.has(*scopes):
            raise Forbidden(f"This needs the scope {' or '.join(scopes)}")

    def has(self, *scopes: str) -> bool:
        """Whether the caller has one of them, in a wider one or by itself.

        A machine account is what has the scope of one by itself, whatever may grant it.
        """
        wide = [one for one in scopes if one != SCOPE]
        return (SCOPE in scopes and SCOPE in self.scopes) or any(
            not excess([one], self.scopes) for one in wide
        )

    def need_own(self, mediator: Mediator, *others: str) -> None:
        """A machine account speaks for its own mediators only, unless it has one of `others`.

        Raises Forbidden.
        """
        if not self.has(*others) and mediator.account != self.client_id:
            raise Forbidden(
                "This mediator belongs to another account; an administrator can change it"
            )


def caller() -> Caller:
    """Who asks, known to the audit log from here on.

    Raises Unauthenticated, Forbidden, TooManyRequests.
    """
    found = _caller()
    g.identity = Identity(found.client_id, found.scopes)
    return found


def _caller() -> Caller:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        verifier: TokenVerifier = current_app.extensions["kiungo-tokens"]
        identity = verifier.identify(token.strip())
        return Caller(identity.subject, identity.scopes)
    given = request.authorization
    if given is not None and given.type == "basic":
        return _by_secret(Credentials(given.username or "", given.password or ""))
    if request.headers.get("auth-username"):
        return _by_token()
    raise Unauthenticated("Credentials are required")


def salt_of(username: str) -> str:
    """The salt of an account's log-in by token. Raises NotFound."""
    found = _log_in(_account(username))
    if found is None:
        raise NotFound(f"No account {username[:100]} that may log in by token")
    return log_ins.salt_of(found)


def _by_secret(claimed: Credentials) -> Caller:
    try:
        client = authenticated(container(), claimed, caller_address())
    except GrantError as exc:
        raise Unauthenticated(str(exc)) from exc
    return Caller(client.client_id, frozenset(client.scopes))


def _by_token() -> Caller:
    """It opens what a machine account may do, whatever else its client may."""
    username, address = request.headers["auth-username"], caller_address()
    claim = Claim(
        request.headers.get("auth-salt", ""),
        request.headers.get("auth-ts", ""),
        request.headers.get("auth-token", ""),
    )
    throttle = container().throttle
    if wait_s := throttle.wait_s(address, username):
        raise TooManyRequests(TOO_MANY, wait_s)
    client = _account(username)
    log_in = _log_in(client)
    is_right = log_in is not None and log_ins.is_right(log_in, claim, utc_now())
    throttle.note(address, username, is_right)
    if client is None or not is_right:
        raise Unauthenticated("The log-in by token is wrong, or its moment too far from ours")
    try:
        check_client_address(client, address)
    except GrantError as exc:
        raise Forbidden(str(exc)) from exc
    return Caller(client.client_id, frozenset({SCOPE}))


def _account(username: str) -> Client | None:
    if not username.isprintable() or len(username) > 255:
        return None
    with container().database.reading() as session:
        client = find_active(session, username)
    return client if client is not None and SCOPE in client.scopes else None


def _log_in(client: Client | None) -> str | None:
    if client is None or client.sealed_log_in is None:
        return None
    return container().sealer.open_log_in(client.client_id, client.sealed_log_in)
