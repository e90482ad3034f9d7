"""`/admin/login/openid/`: sign in at the installation's own provider.

Who comes for the first time gets an account; whose role changed there has the new one here. A name
that somebody has here already is nobody else's: who has it links the provider to their account.
"""

import hmac
import uuid
from typing import Any

import marshmallow as ma
from common.audit.log import note, note_act
from common.clock import utc_now
from common.console.flashes import flash
from common.console.rights import SIGNED_IN
from common.errors import DomainError, Invalid, Unauthenticated
from common.texts import N_, _
from flask import g, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from proxy.access.openid import Begun, OpenIdClient, identity_of, role_of
from proxy.access.secrets import hash_secret, new_secret
from proxy.access.staff import create_staff, update_staff
from proxy.config import OpenIdProvider
from proxy.console import login_pages, origins, tickets
from proxy.console.account import PATH as ACCOUNT
from proxy.console.account import check_fresh
from proxy.console.blueprint import pages
from proxy.console.local_paths import local_path
from proxy.console.login import login_form
from proxy.console.sessions import Proof
from proxy.console.sign_in import about
from proxy.console.tickets import Step, Ticket
from proxy.container import container
from proxy.errors import UnknownRecord, WrongCredentials
from proxy.models import StaffUser
from proxy.registry.records import locked
from proxy.schemas.staff import StaffIn

BACK = "/admin/login/openid/back/"
TAKEN = N_(
    "There is an account of this name here already. If it is yours, sign in by your password and "
    "link the provider on the page of your account."
)
NO_ROLE = N_("The provider gives you no role here. Ask an administrator.")


@pages.open_page("/login/openid/")
def log_in_by_openid() -> ResponseReturnValue:
    """On to the provider."""
    wanted = local_path(request.args.get("next", ""))
    return _to_provider(wanted, next=wanted)


@pages.page("/account/openid/", SIGNED_IN)
def link_openid() -> ResponseReturnValue:
    """On to the provider, to sign in there from now on."""
    check_fresh()
    return _to_provider(ACCOUNT, next=ACCOUNT, link=str(g.staff.staff_id))


@pages.open_page("/login/openid/back/")
def back_from_openid() -> ResponseReturnValue:
    """Let in whom the provider sent back."""
    wanted = local_path("")
    try:
        ticket = tickets.shown(Step.OPENID)
        wanted = ticket.said["next"]
        claims = _claims(ticket)
        if "link" in ticket.said:
            return _link(ticket, claims)
        member = _member(claims)
        answer = login_pages.let_in(member, Proof.OPENID, wanted, utc_now(), ticket)
    except DomainError as exc:
        return login_pages.refused(exc, login_form(wanted, str(exc)))
    tickets.forget(answer, Step.OPENID)
    return answer


def _to_provider(wanted: str, **said: str) -> ResponseReturnValue:
    client, _issuer = _provider()
    begun = Begun.new()
    try:
        answer = redirect(client.address(begun, origins.origin() + BACK), 303)
    except DomainError as exc:
        return login_pages.refused(exc, login_form(wanted, str(exc)))
    tickets.hand_out(answer, Step.OPENID, begun=vars(begun), **said)
    return answer


def _claims(ticket: Ticket) -> dict[str, Any]:
    """What the provider says of who came back. Raises Unavailable, WrongCredentials."""
    client, provider = _provider()
    begun = Begun(**ticket.said["begun"])
    given = request.args.get("state", "")
    is_same = hmac.compare_digest(given.encode(), begun.state.encode())
    if not is_same or request.args.get("iss", provider.issuer) != provider.issuer:
        raise WrongCredentials(
            _("This is not the sign-in that was begun here. Please begin again.")
        )
    if "code" not in request.args:
        raise WrongCredentials(_("The provider did not let you in."))
    return client.claims(request.args["code"], begun, origins.origin() + BACK)


def _member(claims: dict[str, Any]) -> StaffUser:
    """The member of staff, made at their first sign-in; with the role that the provider says.

    Raises WrongCredentials, LastAdministrator.
    """
    _client, provider = _provider()
    identity = identity_of(provider.issuer, claims)
    role = role_of(claims, provider.role_claim, provider.roles)
    hashed = hash_secret(new_secret())  # nobody has that password; slow, so before a transaction
    try:
        with container().database.writing() as session:
            known = _known(session, identity)
            if role is None or (known is not None and not known.is_active):
                raise WrongCredentials(_(NO_ROLE))
            if known is None:
                named = _named(claims)
                given = {**named, "role": role, "oidc_identity": identity}
                known = create_staff(session, {**given, "password_hash": hashed})
                note(session, about(known, "staff.created", role=role, by="openid"))
            elif known.role_name != role:
                before, known = known.role_name, update_staff(session, known.id, {"role": role})
                note(session, about(known, "staff.updated", role=role, was=before))
            return known
    except IntegrityError as exc:
        raise WrongCredentials(_(TAKEN)) from exc
    except Invalid as exc:
        raise WrongCredentials(_(NO_ROLE)) from exc  # the setting names a role that nobody made


def _named(claims: dict[str, Any]) -> dict[str, Any]:
    """User name and e-mail address of a new account. Raises WrongCredentials."""
    email = str(claims.get("email") or "")
    name = str(claims.get("preferred_username") or email or claims["sub"])
    schema = StaffIn(only=("username", "email"))
    for given in ({"username": name, "email": email}, {"username": name}):
        try:
            named: dict[str, Any] = schema.load(given)
        except ma.ValidationError:
            continue
        return named
    raise WrongCredentials(_("The provider calls you by a name that nobody can have here."))


def _link(ticket: Ticket, claims: dict[str, Any]) -> ResponseReturnValue:
    """Let the member who asked for it sign in at the provider. Raises WrongCredentials."""
    _client, provider = _provider()
    if g.staff is None or str(g.staff.staff_id) != ticket.said["link"]:
        raise Unauthenticated(_("Sign in first, then link the provider."))
    try:
        with container().database.writing() as session:
            tickets.take(session, ticket, utc_now())
            member = locked(session, StaffUser, uuid.UUID(ticket.said["link"]))
            member.oidc_identity = identity_of(provider.issuer, claims)
            note_act(session, "staff.openid_linked", member.id, member.username)
    except IntegrityError as exc:
        raise WrongCredentials(_("The provider is linked to another account here.")) from exc
    flash(_("From now on you can sign in at the provider."))
    answer = redirect(ACCOUNT, 303)
    tickets.forget(answer, Step.OPENID)
    return answer


def _known(session: Session, identity: str) -> StaffUser | None:
    return session.scalar(select(StaffUser).where(StaffUser.oidc_identity == identity))


def _provider() -> tuple[OpenIdClient, OpenIdProvider]:
    """Raises UnknownRecord where the installation has none."""
    client, provider = container().openid, container().settings.openid
    if client is None or provider is None:
        raise UnknownRecord(_("provider: OIDC_ISSUER is not set"))
    return client, provider
