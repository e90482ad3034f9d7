"""`/api/openhim/channels` and `/api/openhim/clients`: for administrators, in OpenHIM's words."""

from typing import Any

from common.errors import Forbidden, NotFound
from common.importing.loading import DOES_NOT_FIT, why
from common.importing.report import LeftOut
from flask import jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.clients import delete_client, update_client
from proxy.access.log_ins import SCOPE
from proxy.access.secrets import hash_taken_over
from proxy.container import container
from proxy.models import Channel, Client, ClientSecret, Mediator
from proxy.openhim.api import api
from proxy.openhim.callers import ADMIN, CHANNELS, CLIENTS, READ, Caller, NotUnderstood, caller
from proxy.openhim.channels import translated
from proxy.openhim.exporting import channel_document, client_document
from proxy.openhim.installing import save_channel
from proxy.openhim.people import Person, client_of
from proxy.openhim.reading import Document
from proxy.openhim.requests import document, id_range
from proxy.registry import channels

#: Who may call a channel stays as it is unless one of these is sent.
_WHO = frozenset({"allow", "authType", "status"})


@api.get("/channels")
def list_channels() -> ResponseReturnValue:
    """The channels; a machine account sees those that lead to its mediators."""
    asks = caller()
    asks.need(SCOPE, READ, CHANNELS, ADMIN)
    wanted = select(Channel).order_by(Channel.name)
    if not asks.has(READ, CHANNELS, ADMIN):
        wanted = wanted.join(Mediator, Channel.mediator_id == Mediator.id)
        wanted = wanted.where(Mediator.account == asks.client_id)
    with container().database.reading() as session:
        return jsonify([channel_document(one) for one in session.scalars(wanted)])


@api.post("/channels")
def create_channel() -> ResponseReturnValue:
    """Open a channel."""
    asks = caller()
    asks.need(CHANNELS, ADMIN)
    given = document()
    with container().database.writing() as session:
        notes = _saved(session, asks, given, None)
    return _said("Channel successfully created", notes), 201


@api.get("/channels/<record_id>")
def read_channel(record_id: str) -> ResponseReturnValue:
    """One channel."""
    asks = caller()
    asks.need(SCOPE, READ, CHANNELS, ADMIN)
    with container().database.reading() as session:
        found = _channel(session, record_id)
        asks.need_own(found.mediator, READ, CHANNELS, ADMIN)
        return jsonify(channel_document(found))


@api.put("/channels/<record_id>")
def change_channel(record_id: str) -> ResponseReturnValue:
    """Change of a channel what is sent."""
    asks = caller()
    asks.need(CHANNELS, ADMIN)
    given = document()
    with container().database.writing() as session:
        notes = _saved(session, asks, given, _channel(session, record_id))
    return _said("The channel was successfully updated", notes), 200


@api.delete("/channels/<record_id>")
def delete_channel(record_id: str) -> ResponseReturnValue:
    """Close a channel for good."""
    caller().need(CHANNELS, ADMIN)
    with container().database.writing() as session:
        channels.delete_channel(session, _channel(session, record_id).id)
    return "The channel was successfully deleted", 200


@api.get("/clients")
def list_clients() -> ResponseReturnValue:
    """The clients, without what they prove themselves with."""
    caller().need(READ, CLIENTS, ADMIN)
    with container().database.reading() as session:
        found = session.scalars(select(Client).order_by(Client.client_id))
        return jsonify([client_document(one) for one in found])


@api.post("/clients")
def create_client() -> ResponseReturnValue:
    """Make a client, with a password, its hash, or a custom token."""
    caller().need(CLIENTS, ADMIN)
    given = document()
    person = _person(given)
    secret_hash = _secret_hash(given, person)
    try:
        with container().database.writing() as session:
            made = Client(**person.fields, token_digest=_digest(person))
            made.secrets = [ClientSecret(secret_hash=secret_hash)] if secret_hash else []
            session.add(made)
            session.flush()
    except DOES_NOT_FIT as exc:
        raise NotUnderstood(why(exc)) from exc
    return _said("Client successfully created", person.notes), 201


@api.get("/clients/<record_id>")
def read_client(record_id: str) -> ResponseReturnValue:
    """One client."""
    caller().need(READ, CLIENTS, ADMIN)
    with container().database.reading() as session:
        return jsonify(client_document(_client(session, record_id)))


@api.put("/clients/<record_id>")
def change_client(record_id: str) -> ResponseReturnValue:
    """Change of a client what is sent; a password takes the place of all before.

    Raises Forbidden unless the caller holds all that the client does: it could call as it then.
    """
    asks = caller()
    asks.need(CLIENTS, ADMIN)
    given = document()
    with container().database.reading() as session:
        before = _client(session, record_id)
    person = _person({**client_document(before), **given})
    changes = {name: person.fields[name] for name in ("name", "client_id", "roles")}
    if "customTokenID" in given:
        changes["token_digest"] = _digest(person)
    secret_hash = _secret_hash(given, person)
    try:
        with container().database.writing() as session:
            client = update_client(session, before.id, changes, held=asks.scopes)
            if secret_hash is not None:
                client.secrets = [ClientSecret(secret_hash=secret_hash)]
                client.sealed_log_in = None
    except Forbidden:
        raise
    except DOES_NOT_FIT as exc:
        raise NotUnderstood(why(exc)) from exc
    return "Successfully updated client.", 200


@api.delete("/clients/<record_id>")
def remove_client(record_id: str) -> ResponseReturnValue:
    """Forget a client; its calls stay on record."""
    caller().need(CLIENTS, ADMIN)
    with container().database.writing() as session:
        delete_client(session, _client(session, record_id).id)
    return "Successfully removed client", 200


def _saved(session: Session, asks: Caller, given: Document, before: Channel | None) -> list[str]:
    """Save a channel, and say what is otherwise here. Raises NotUnderstood."""
    shown = channel_document(before) if before else {}
    whole = {**shown, **given}
    try:
        found = translated(whole)
        if before is not None and not _WHO & given.keys():
            for name in ("allow", "is_active"):
                found.fields.pop(name, None)
        stays = before is not None and whole["routes"] == shown["routes"]
        save_channel(
            session,
            container().sealer,
            found,
            preferred=before.mediator if before else None,
            before=before,
            stays=stays,
            held=asks.scopes,
        )
    except LeftOut as exc:
        raise NotUnderstood(str(exc)) from exc
    return found.notes


def _person(given: Document) -> Person:
    try:
        return client_of(given)
    except LeftOut as exc:
        raise NotUnderstood(str(exc)) from exc


def _secret_hash(given: Document, person: Person) -> str | None:
    """Of a password in clear, or the hash that was sent."""
    password = given.get("password")
    return (
        hash_taken_over(password) if isinstance(password, str) and password else person.secret_hash
    )


def _digest(person: Person) -> str | None:
    return container().client_tokens.digest(person.token) if person.token else None


def _channel(session: Session, record_id: str) -> Channel:
    first, last = id_range(record_id)
    found = session.scalar(select(Channel).where(Channel.id.between(first, last)))
    if found is None:
        raise NotFound("No such channel")
    return found


def _client(session: Session, record_id: str) -> Client:
    first, last = id_range(record_id)
    found = session.scalar(select(Client).where(Client.id.between(first, last)))
    if found is None:
        raise NotFound("No such client")
    return found


def _said(done: str, notes: list[str]) -> Any:
    """What OpenHIM says, and what is otherwise here."""
    return f"{done}. Otherwise than sent: {'; '.join(notes)}" if notes else done
