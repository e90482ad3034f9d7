"""`/api/openhim/…`: what mediators of OpenHIM ask of it, in its own words (README: "OpenHIM")."""

import time
from typing import Any

from common.clock import utc_now
from common.errors import Forbidden, Invalid, NotFound
from common.importing.report import LeftOut
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.log_ins import SCOPE
from proxy.access.scopes import HEARTBEAT
from proxy.container import container
from proxy.models import Mediator
from proxy.openhim.callers import (
    ADMIN,
    CHANNELS,
    MEDIATORS,
    READ,
    Caller,
    NotUnderstood,
    caller,
    salt_of,
)
from proxy.openhim.installing import install_channels
from proxy.openhim.mediators import ROUTE_URN, document_of, fields_of
from proxy.openhim.requests import body, document
from proxy.registry import mediators
from proxy.registry.versions import Version

api = Blueprint("openhim", __name__, url_prefix="/api/openhim")

_LONGEST_UPTIME_S = 1e10
_STARTED = time.monotonic()


@api.get("/heartbeat")
def heartbeat() -> ResponseReturnValue:
    """The hub's sign of life: open to all, like OpenHIM's."""
    now, timeout_s = utc_now(), container().settings.heartbeat_timeout_s
    with container().database.reading() as session:
        found = session.scalars(select(Mediator).order_by(Mediator.urn)).all()
    return jsonify(
        master=time.monotonic() - _STARTED,
        now=int(now.timestamp() * 1000),
        mediators={one.urn: _uptime(one, now, timeout_s) for one in found},
    )


@api.get("/authenticate/<username>")
def authenticate(username: str) -> ResponseReturnValue:
    """The salt of an account's log-in by token, and our time."""
    return jsonify(salt=salt_of(username), ts=_moment())


@api.get("/mediators")
def list_mediators() -> ResponseReturnValue:
    """The mediators that the caller may see; passwords are masked."""
    asks = caller()
    asks.need(SCOPE, READ, MEDIATORS, ADMIN)
    wanted = select(Mediator).order_by(Mediator.urn)
    if not asks.has(READ, MEDIATORS, ADMIN):
        wanted = wanted.where(Mediator.account == asks.client_id)
    with container().database.reading() as session:
        return jsonify([document_of(one) for one in session.scalars(wanted)])


@api.post("/mediators")
def register() -> ResponseReturnValue:
    """Register a mediator. A lower or equal version changes nothing, as in OpenHIM."""
    asks = caller()
    asks.need(SCOPE, MEDIATORS, ADMIN)
    try:
        given = fields_of(document())
    except LeftOut as exc:
        raise NotUnderstood(str(exc)) from exc
    if given["urn"].startswith(ROUTE_URN):
        raise NotUnderstood(f"urn: {ROUTE_URN}… names what channels lead to, and nobody registers")
    with container().database.writing() as session:
        known = session.scalar(select(Mediator).where(Mediator.urn == given["urn"]))
        if known is not None:
            asks.need_own(known, MEDIATORS, ADMIN)
            _check_place(asks, known, given)
            if Version.parse(given["version"]) <= Version.parse(known.version):
                return "Created", 201
        account = asks.client_id if known is None and SCOPE in asks.scopes else None
        if account is not None:
            given["account"] = account
        _registered(session, given)
    return "Created", 201


@api.get("/mediators/<urn>")
def read_mediator(urn: str) -> ResponseReturnValue:
    """One mediator; passwords are masked."""
    asks = caller()
    asks.need(SCOPE, READ, MEDIATORS, ADMIN)
    with container().database.reading() as session:
        found = _mediator(session, urn)
        asks.need_own(found, READ, MEDIATORS, ADMIN)
        return jsonify(document_of(found))


@api.delete("/mediators/<urn>")
def delete_mediator(urn: str) -> ResponseReturnValue:
    """Forget a mediator that no channel leads to."""
    caller().need(MEDIATORS, ADMIN)
    with container().database.writing() as session:
        mediators.delete_mediator(session, _mediator(session, urn).id)
    return "Mediator deleted", 200


@api.post("/mediators/<urn>/heartbeat")
def mediator_heartbeat(urn: str) -> ResponseReturnValue:
    """A mediator's sign of life; the answer is its configuration where that is new or asked for."""
    asks = caller()
    may = (HEARTBEAT + urn, MEDIATORS, ADMIN)
    asks.need(SCOPE, *may)
    given = document()
    uptime = given.get("uptime")
    if isinstance(uptime, bool) or not isinstance(uptime, (int, float)):
        raise NotUnderstood("uptime: a number of seconds is needed")
    if not 0 <= uptime <= _LONGEST_UPTIME_S:
        raise NotUnderstood("uptime: must be seconds since the mediator started")
    with container().database.writing() as session:
        asks.need_own(_mediator(session, urn), *may)
        beat = mediators.heartbeat(session, urn, float(uptime), utc_now())
    config = mediators.config_of(container().sealer, beat.mediator)
    if config and (beat.has_new_config or given.get("config") is True):
        return jsonify(config)
    return "", 200


@api.put("/mediators/<urn>/config")
def change_config(urn: str) -> ResponseReturnValue:
    """Change a mediator's configuration, as an operator does."""
    caller().need(MEDIATORS, ADMIN)
    config = document()
    with container().database.writing() as session:
        found = _mediator(session, urn)
        changes = {"config": config}
        try:
            mediators.update_mediator(session, container().sealer, found.id, changes, utc_now())
        except Invalid as exc:
            raise NotUnderstood(str(exc)) from exc
    return "", 200


@api.post("/mediators/<urn>/channels")
def install(urn: str) -> ResponseReturnValue:
    """Open the channels that a mediator suggests: all, or those that are named."""
    asks = caller()
    asks.need(CHANNELS, ADMIN)
    names = body() or []
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise NotUnderstood("The body must be a list of channels' names")
    with container().database.writing() as session:
        found = _mediator(session, urn)
        try:
            done = install_channels(
                session, container().sealer, found, names, asks.client_id, asks.scopes
            )
        except Invalid as exc:
            raise NotUnderstood(str(exc)) from exc
    said = [
        {"name": one.name, "opened": one.channel is not None, "notes": one.notes} for one in done
    ]
    return jsonify(said), 201


def _check_place(asks: Caller, known: Mediator, given: dict[str, Any]) -> None:
    """What the hub shows a mediator goes nowhere else because the mediator says so.

    Raises Forbidden.
    """
    is_shown = known.credentials is not None or known.has_client_key
    moves = given["endpoint_url"] != known.endpoint_url
    if is_shown and moves and not asks.has(MEDIATORS, ADMIN):
        raise Forbidden("The hub shows this mediator credentials: an administrator must move it")


def _registered(session: Session, given: dict[str, Any]) -> None:
    try:
        mediators.register(session, container().sealer, given)
    except Invalid as exc:
        raise NotUnderstood(str(exc)) from exc


def _mediator(session: Session, urn: str) -> Mediator:
    found = session.scalar(select(Mediator).where(Mediator.urn == urn))
    if found is None:
        raise NotFound("No such mediator")
    return found


def _uptime(mediator: Mediator, now: Any, timeout_s: float) -> float | None:
    is_there = mediators.is_online(True, mediator.last_heartbeat, now, timeout_s)
    return mediator.uptime if is_there and mediator.last_heartbeat is not None else None


def _moment() -> str:
    return utc_now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
