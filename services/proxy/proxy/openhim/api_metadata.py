"""`/api/openhim/metadata`: everything as one document, out and in, with a word on each record."""

from typing import Any

from common.importing.source import SourceError
from flask import jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from proxy.container import container
from proxy.models import Channel, Client, Mediator, StaffUser
from proxy.openhim.api import api
from proxy.openhim.callers import ADMIN, NotUnderstood, caller
from proxy.openhim.documents import Export
from proxy.openhim.exporting import channel_document, client_document, user_document
from proxy.openhim.importing import Finding, import_all
from proxy.openhim.mediators import document_of
from proxy.openhim.requests import body
from proxy.registry.mediator_config import reveal

_TRIED = {"new": "Valid", "left out": "Error"}
_DONE = {"new": "Inserted", "changed": "Updated", "unchanged": "Updated"}


@api.get("/metadata")
def export_metadata() -> ResponseReturnValue:
    """Channels, clients, mediators and users, without anything secret."""
    caller().need(ADMIN)
    with container().database.reading() as session:
        channels = session.scalars(select(Channel).order_by(Channel.name))
        clients = session.scalars(select(Client).order_by(Client.client_id))
        mediators = session.scalars(select(Mediator).order_by(Mediator.urn))
        users = session.scalars(select(StaffUser).order_by(StaffUser.username))
        found = {
            "Channels": [channel_document(one) for one in channels],
            "Clients": [client_document(one) for one in clients],
            "Mediators": [reveal(document_of(one), {}) for one in mediators],
            "Users": [user_document(one) for one in users],
            "ContactGroups": [],
        }
    return jsonify([found])


@api.post("/metadata")
def import_metadata() -> ResponseReturnValue:
    """Take over what was sent."""
    return _imported(is_dry_run=False)


@api.post("/metadata/validate")
def validate_metadata() -> ResponseReturnValue:
    """Say what would become of what was sent: `Valid`, `Conflict` or `Error`."""
    return _imported(is_dry_run=True)


def _imported(*, is_dry_run: bool) -> ResponseReturnValue:
    asks = caller()
    asks.need(ADMIN)
    try:
        export = Export.of(body())
    except SourceError as exc:
        raise NotUnderstood(str(exc)) from exc
    outcome = import_all(container(), export, held=asks.scopes, is_dry_run=is_dry_run)
    words = {**dict.fromkeys(("changed", "unchanged", "here already"), "Conflict"), **_TRIED}
    if not is_dry_run:
        words = {"here already": "Error", "left out": "Error", **_DONE}
    return jsonify([_said(one, words) for one in outcome.findings]), 201


def _said(finding: Finding, words: dict[str, str]) -> dict[str, Any]:
    return {
        "model": finding.kind,
        "record": finding.document,
        "status": words[finding.outcome],
        "message": "; ".join(finding.notes),
        "uid": finding.name,
    }
