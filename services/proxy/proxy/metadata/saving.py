"""One record of the document is made or changed, by the same rules as over the API."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from common.clock import utc_now
from sqlalchemy.orm import Session

from proxy.access.clients import create_client, issue_secret, update_client
from proxy.access.roles import held_with
from proxy.access.scopes import check_may_grant
from proxy.access.staff import create_staff, update_staff
from proxy.container import Container
from proxy.metadata.documents import Kind, blanks
from proxy.openhim.people import unusable_hash
from proxy.registry.channels import create_channel, update_channel
from proxy.registry.mediators import register, update_mediator
from proxy.registry.registrations import create_registration, update_registration


@dataclass(frozen=True)
class _Act:
    """What is saved: `record` is the one here, `notes` what is left to be done."""

    process: Container
    session: Session
    given: dict[str, Any]
    record: Any
    held: Collection[str]
    notes: list[str]


def save(
    process: Container,
    session: Session,
    kind: Kind,
    given: dict[str, Any],
    record: Any,
    held: Collection[str],
    notes: list[str],
) -> None:
    """Make the record, or change `record` to it. Raises what the kind's own acts raise."""
    _SAVERS[kind.name](_Act(process, session, given, record, held, notes))


def _mediator(act: _Act) -> None:
    sealer = act.process.sealer
    if act.record is not None:
        update_mediator(act.session, sealer, act.record.id, act.given, utc_now())
        return
    register(act.session, sealer, act.given)
    if blanks(act.given.get("config", {})):
        act.notes.append("passwords of its configuration are blank: set them")


def _channel(act: _Act) -> None:
    sealer = act.process.sealer
    if act.record is None:
        create_channel(act.session, act.given, sealer)
    else:
        update_channel(act.session, act.record.id, act.given, sealer)


def _client(act: _Act) -> None:
    if act.record is not None:
        update_client(act.session, act.record.id, act.given, held=act.held)
        return
    check_may_grant(act.given["scopes"], act.held)
    create_client(act.session, act.process.sealer, act.given, issue_secret())
    act.notes.append("nobody knows its secret: give it one")


def _registration(act: _Act) -> None:
    if act.record is None:
        create_registration(act.session, act.given)
    else:
        update_registration(act.session, act.record.id, act.given)


def _member(act: _Act) -> None:
    if act.record is not None:
        update_staff(act.session, act.record.id, act.given, held=held_with(act.held))
        return
    hashed = unusable_hash(act.given["username"])
    given = {**act.given, "password_hash": hashed}
    create_staff(act.session, given, held=held_with(act.held))
    act.notes.append("has no password: set one")


_SAVERS: dict[str, Callable[[_Act], None]] = {
    "mediators": _mediator,
    "channels": _channel,
    "clients": _client,
    "registrations": _registration,
    "staff": _member,
}
