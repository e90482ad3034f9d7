"""Registrations give an organization its codes on the bus, for one channel or for all."""

import uuid
from collections.abc import Mapping
from typing import Any

from common.errors import Conflict, Invalid
from common.reasons import no_such
from common.texts import N_, _
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.models import Channel, ExternalSystemRegistration
from proxy.registry.records import apply, locked

_MAX_KEY_LENGTH = 255


def organization_key(organization: str) -> str:
    """The organization without regard to case and outer spaces. Raises Invalid when too long."""
    key = organization.strip().casefold()
    if len(key) > _MAX_KEY_LENGTH:
        raise Invalid(_("organization: Too long"), {"organization": [_("Too long.")]})
    return key


def create_registration(session: Session, given: Mapping[str, Any]) -> ExternalSystemRegistration:
    """A new registration, for no client unless `allow` says otherwise.

    Raises Invalid, Conflict when the organization has one there already.
    """
    registration = ExternalSystemRegistration(**{"allow": [], **given})
    _check(session, registration)
    session.add(registration)
    session.flush()
    return registration


def update_registration(
    session: Session, registration_id: uuid.UUID, changes: Mapping[str, Any]
) -> ExternalSystemRegistration:
    """Change a registration. Raises UnknownRecord, Invalid, Conflict."""
    registration = locked(session, ExternalSystemRegistration, registration_id)
    with session.no_autoflush:
        apply(registration, changes)
        _check(session, registration)
    session.flush()
    return registration


def delete_registration(session: Session, registration_id: uuid.UUID) -> None:
    """Take an organization's codes away. Raises UnknownRecord."""
    session.delete(locked(session, ExternalSystemRegistration, registration_id))
    session.flush()


def _check(session: Session, registration: ExternalSystemRegistration) -> None:
    registration.organization_key = organization_key(registration.organization)
    if not (registration.api_code or registration.push_code):
        reason = _("A registration needs an api_code or a push_code")
        raise Invalid(reason, {"api_code": [reason], "push_code": [reason]})
    channel_id = registration.channel_id
    if channel_id is not None and session.get(Channel, channel_id) is None:
        raise Invalid(no_such("channel"), {"channel_id": [no_such("channel")]})
    if _taken(session, registration):
        said = (
            N_("organization: %(organization)s is registered for all channels already")
            if channel_id is None
            else N_("organization: %(organization)s is registered for this channel already")
        )
        raise Conflict(_(said, organization=registration.organization))


def _taken(session: Session, registration: ExternalSystemRegistration) -> bool:
    model = ExternalSystemRegistration
    other = select(model.id).where(
        model.organization_key == registration.organization_key,
        model.channel_id == registration.channel_id
        if registration.channel_id
        else model.channel_id.is_(None),
    )
    if registration.id is not None:
        other = other.where(model.id != registration.id)
    return session.scalar(other) is not None
