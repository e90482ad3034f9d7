"""Passkeys in the console: to sign in by, and one's own to make, name and remove.

The browser's part is `passkeys.js` of the common files. It asks for options, with which comes a
ticket that names the challenge; the device's answer is sent as a form.
"""

import uuid

from common.clock import utc_now
from common.console.flashes import flash
from common.console.forms import read_form
from common.console.rights import SIGNED_IN
from common.errors import Conflict, Unauthenticated
from common.texts import N_, _
from flask import Response, g, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from proxy.access import passkeys
from proxy.access.passkeys import Asked
from proxy.console import login_pages, origins, tickets
from proxy.console.account import PATH as ACCOUNT
from proxy.console.account import check_fresh
from proxy.console.blueprint import pages
from proxy.console.local_paths import local_path
from proxy.console.login import login_form
from proxy.console.reading import read
from proxy.console.saving import write
from proxy.console.sessions import Proof
from proxy.console.sign_in import note_rejected
from proxy.console.tickets import Step
from proxy.container import container
from proxy.errors import UnknownRecord, WrongCredentials
from proxy.models import Passkey, StaffUser
from proxy.registry.records import existing, locked
from proxy.schemas.staff import PasskeyName

NOBODY = N_("This passkey lets nobody in here. Sign in by your password.")


@pages.open_page("/login/passkey/")
def passkey_options() -> ResponseReturnValue:
    """What the browser asks the device for, to sign in."""
    asked = _ask()
    answer = jsonify(passkeys.request_options(asked))
    tickets.hand_out(answer, Step.PASSKEY, challenge=asked.challenge)
    return answer


@pages.open_page("/login/passkey/", "POST")
def log_in_by_passkey() -> ResponseReturnValue:
    """Let in whose device signed. Raises ForeignForm."""
    login_pages.check_sent_form()
    process, now = container(), utc_now()
    wanted = local_path(request.form.get("next", ""))
    try:
        ticket = tickets.shown(Step.PASSKEY)
        asked = _asked(ticket.said["challenge"])
        with process.database.writing() as session:
            proven = passkeys.prove(session, request.form.get("credential", ""), asked, now)
        if proven is None or not proven.is_right:
            if proven is not None:
                note_rejected(process.database, proven.member)
            raise WrongCredentials(_(NOBODY))
        answer = login_pages.let_in(proven.member, Proof.PASSKEY, wanted, now, ticket)
    except (WrongCredentials, Unauthenticated) as exc:
        return login_pages.refused(exc, login_form(wanted, str(exc)))
    tickets.forget(answer, Step.PASSKEY)
    return answer


@pages.page("/account/passkeys/", SIGNED_IN)
def own_passkey_options() -> ResponseReturnValue:
    """What the browser asks the device for, to make a passkey."""
    check_fresh()
    asked = _ask()

    def options(session: Session) -> Response:
        member = existing(session, StaffUser, g.staff.staff_id)
        return jsonify(passkeys.creation_options(session, member, asked))

    answer = read(options)
    tickets.hand_out(answer, Step.PASSKEY, ACCOUNT, challenge=asked.challenge)
    return answer


@pages.act("/account/passkeys/", SIGNED_IN)
def make_own_passkey() -> ResponseReturnValue:
    """Let a passkey count that the device made."""
    check_fresh()
    form, now = read_form(PasskeyName()), utc_now()
    if form.errors:
        return _back(_("Name: %(error)s", error=form.error("name")), "bad")
    try:
        ticket = tickets.shown(Step.PASSKEY)
        asked, given = _asked(ticket.said["challenge"]), request.form.get("credential", "")
        with container().database.writing() as session:
            tickets.take(session, ticket, now)
            passkeys.register(session, g.staff.staff_id, form.values["name"], given, asked, now)
    except (WrongCredentials, Unauthenticated, Conflict) as exc:
        return _back(str(exc), "bad")
    answer = _back(_("The passkey is made. You can sign in by it."))
    tickets.forget(answer, Step.PASSKEY, ACCOUNT)
    return answer


@pages.act("/account/passkeys/<uuid:passkey_id>/name/", SIGNED_IN)
def name_own_passkey(passkey_id: uuid.UUID) -> ResponseReturnValue:
    """Call a passkey otherwise."""
    form = read_form(PasskeyName())
    if form.errors:
        return _back(_("Name: %(error)s", error=form.error("name")), "bad")
    write(lambda session: setattr(_own(session, passkey_id), "name", form.values["name"]))
    return _back("Saved.")


@pages.act("/account/passkeys/<uuid:passkey_id>/remove/", SIGNED_IN)
def remove_own_passkey(passkey_id: uuid.UUID) -> ResponseReturnValue:
    """Let a passkey count no more."""
    check_fresh()
    write(lambda session: session.delete(_own(session, passkey_id)))
    return _back(_("The passkey is removed."))


def _own(session: Session, passkey_id: uuid.UUID) -> Passkey:
    """Raises UnknownRecord for somebody else's."""
    found = session.get(Passkey, passkey_id)
    if found is None or found.staff_id != g.staff.staff_id:
        raise UnknownRecord("passkey")
    return locked(session, Passkey, passkey_id)


def _ask() -> Asked:
    return _asked(passkeys.new_challenge())


def _asked(challenge: str) -> Asked:
    return Asked(challenge, origins.origin(), origins.host())


def _back(words: str, kind: str = "good") -> Response:
    flash(words, kind)
    answer: Response = redirect(url_for("console.account"), 303)  # type: ignore[assignment]
    return answer
