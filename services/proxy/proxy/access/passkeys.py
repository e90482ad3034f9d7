"""Passkeys (WebAuthn, level 3): a device signs a challenge, having seen who holds it.

A passkey is bound to the host that it was made at. The device says whose it is, and nobody types a
name.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from common.errors import Conflict
from common.texts import _
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    generate_challenge,
    options_to_json_dict,
    parse_authentication_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from proxy.errors import WrongCredentials
from proxy.models import Passkey, StaffUser

NAME = "Kiungo"
#: Of a member of staff.
MOST = 20
MAX_ID_CHARS = 1400
_REQUIRED = UserVerificationRequirement.REQUIRED
#: What the library says of an answer that no browser gives.
_ODD = (WebAuthnException, ValueError, TypeError, LookupError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Asked:
    """What a browser was asked for, and where: `https://hub.example.org`, `hub.example.org`."""

    challenge: str = field(repr=False)
    origin: str
    host: str


def new_challenge() -> str:
    """64 random bytes in base64url."""
    return bytes_to_base64url(generate_challenge())


def creation_options(session: Session, member: StaffUser, asked: Asked) -> dict[str, Any]:
    """What a browser makes a passkey by, on a device that has none of theirs yet."""
    query = select(Passkey.credential_id).where(Passkey.staff_id == member.id)
    known = [base64url_to_bytes(one) for one in session.scalars(query)]
    options = generate_registration_options(
        rp_id=asked.host,
        rp_name=NAME,
        user_id=member.id.bytes,
        user_name=member.username,
        challenge=base64url_to_bytes(asked.challenge),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_REQUIRED
        ),
    )
    return options_to_json_dict(options)


def request_options(asked: Asked) -> dict[str, Any]:
    """What a browser signs in by."""
    options = generate_authentication_options(
        rp_id=asked.host,
        challenge=base64url_to_bytes(asked.challenge),
        user_verification=_REQUIRED,
    )
    return options_to_json_dict(options)


def register(
    session: Session, member_id: uuid.UUID, name: str, answer: str, asked: Asked, now: datetime
) -> Passkey:
    """Let a new passkey count. Raises WrongCredentials, Conflict."""
    query = select(func.count()).select_from(Passkey).where(Passkey.staff_id == member_id)
    if (session.scalar(query) or 0) >= MOST:
        raise Conflict(_("There are %(most)s passkeys already; remove one first", most=MOST))
    try:
        verified = verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(asked.challenge),
            expected_rp_id=asked.host,
            expected_origin=asked.origin,
            require_user_verification=True,
        )
    except _ODD as exc:
        raise WrongCredentials(_("The device did not make a passkey for this console.")) from exc
    credential_id = bytes_to_base64url(verified.credential_id)
    taken = select(Passkey.id).where(Passkey.credential_id == credential_id)
    if len(credential_id) > MAX_ID_CHARS or session.scalar(taken):
        raise WrongCredentials(_("This passkey is known already."))
    made = Passkey(
        staff_id=member_id,
        name=name,
        credential_id=credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        host=asked.host,
        created_at=now,
    )
    session.add(made)
    return made


@dataclass(frozen=True)
class Proven:
    """Whose passkey an answer names; `is_right` where it signed."""

    member: StaffUser
    is_right: bool


def prove(session: Session, answer: str, asked: Asked, now: datetime) -> Proven | None:
    """Who signed, once per signature; None where nobody is known who could have."""
    try:
        claimed = parse_authentication_credential_json(answer)
    except _ODD:
        return None
    passkey = session.scalar(
        select(Passkey)
        .where(Passkey.credential_id == claimed.id[:MAX_ID_CHARS], Passkey.host == asked.host)
        .with_for_update()
    )
    member = session.get(StaffUser, passkey.staff_id) if passkey else None
    if passkey is None or member is None or not member.is_active:
        return None
    if claimed.response.user_handle not in (None, member.id.bytes):
        return Proven(member, is_right=False)
    try:
        verified = verify_authentication_response(
            credential=claimed,
            expected_challenge=base64url_to_bytes(asked.challenge),
            expected_rp_id=asked.host,
            expected_origin=asked.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except _ODD:
        return Proven(member, is_right=False)
    passkey.sign_count = verified.new_sign_count
    passkey.last_used_at = now
    return Proven(member, is_right=True)
