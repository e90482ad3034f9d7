"""Demonstration data: clients, mediators, channels, and transactions to look at. Idempotent."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from common.ids import new_id_at
from common.settings import SettingError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from proxy.clients import issue_secret
from proxy.models import (
    Channel,
    Client,
    ClientSecret,
    ExternalSystemRegistration,
    Mediator,
    Transaction,
    TransactionStatus,
)
from proxy.records import apply
from proxy.registrations import organization_key
from proxy.scopes import SCOPES
from proxy.secrets import matches_hash

Records = Sequence[Mapping[str, Any]]

#: The demonstration channel that leads to the bus, and who is registered there.
ESB_PATH = "/demo/esb"
ESB_REGISTRATION = {"organization": "DEMO", "api_code": "DEMO-API", "push_code": "DEMO-PUSH"}

_REQUIRED = {
    "DEMO_SEED_CLIENTS_JSON": ("client_id", "name", "client_secret"),
    "DEMO_SEED_MEDIATORS_JSON": ("urn", "name", "version", "endpoint_url"),
    "DEMO_SEED_CHANNELS_JSON": ("name", "path_pattern", "mediator_urn"),
}
_OPTIONAL = {
    "DEMO_SEED_CLIENTS_JSON": ("allowed_ips", "is_active", "scopes", "roles"),
    "DEMO_SEED_MEDIATORS_JSON": ("is_online",),
    "DEMO_SEED_CHANNELS_JSON": (
        "description",
        "methods",
        "requires_request_body",
        "request_content_type",
        "request_body_example",
        "channel_type",
        "priority",
        "is_active",
    ),
}


@dataclass(frozen=True)
class DemoData:
    """What is to be there after seeding; `request_base_url` heads the sample transactions' URLs."""

    clients: Records = field(repr=False)
    mediators: Records
    channels: Records
    request_base_url: str = ""


def read_demo_data(environ: Mapping[str, str]) -> DemoData:
    """The demonstration data, as `DEMO_SEED_*` overrides it. Raises SettingError."""
    client = environ.get("DEMO_SEED_CLIENT_PREFIX", "demo")
    mediator = demo_mediator_record(environ, int(environ.get("DEMO_MEDIATOR_PORT", "8090")))
    channel = environ.get("DEMO_SEED_CHANNEL_PREFIX", "Demo")
    defaults: dict[str, Records] = {
        "DEMO_SEED_CLIENTS_JSON": _clients(client, environ.get("DEMO_CLIENT_SECRET", "")),
        "DEMO_SEED_MEDIATORS_JSON": [mediator],
        "DEMO_SEED_CHANNELS_JSON": _channels(channel, mediator["urn"]),
    }
    given = {name: _given(name, environ) or records for name, records in defaults.items()}
    return DemoData(
        clients=given["DEMO_SEED_CLIENTS_JSON"],
        mediators=given["DEMO_SEED_MEDIATORS_JSON"],
        channels=given["DEMO_SEED_CHANNELS_JSON"],
        request_base_url=environ.get("DEMO_SEED_REQUEST_BASE_URL", ""),
    )


def _clients(prefix: str, secret: str) -> Records:
    if not secret:
        raise SettingError("DEMO_CLIENT_SECRET is not set: the demo client needs a secret")
    return [
        {
            "client_id": prefix,
            "name": "Demonstration client",
            "client_secret": secret,
            "scopes": sorted(SCOPES),
            "roles": ["demo"],
        }
    ]


def demo_mediator_record(environ: Mapping[str, str], port: int) -> dict[str, str]:
    """What the demonstration mediator registers as."""
    prefix = environ.get("DEMO_SEED_MEDIATOR_PREFIX", "urn:mediator:demo")
    return {
        "urn": f"{prefix}-echo",
        "name": "Demonstration mediator",
        "version": "1.0.0",
        "endpoint_url": f"http://127.0.0.1:{port}",
    }


def _channels(prefix: str, mediator_urn: str) -> Records:
    return [
        {
            "name": f"{prefix} echo",
            "description": "Answers with what it was asked.",
            "path_pattern": "/demo/*",
            "mediator_urn": mediator_urn,
            "priority": 10,
        },
        {
            "name": f"{prefix} ESB",
            "description": "Goes to the bus: to its stand-in where none is configured.",
            "path_pattern": ESB_PATH,
            "methods": ["POST"],
            "request_body_example": '{"nin": "19900101-14121-00001-23"}',
            "mediator_urn": mediator_urn,
        },
        {
            "name": f"{prefix} patients",
            "description": "Takes a patient as JSON.",
            "path_pattern": "/demo/patients",
            "methods": ["POST"],
            "requires_request_body": True,
            "request_content_type": "application/json",
            "request_body_example": '{"family": "Mushi", "given": "Asha"}',
            "mediator_urn": mediator_urn,
        },
    ]


def _given(name: str, environ: Mapping[str, str]) -> Records:
    """The records of variable `name`, each key checked; none when it is not set."""
    text = environ.get(name, "").strip()
    if not text:
        return []
    try:
        records = json.loads(text)
    except ValueError as exc:
        raise SettingError(f"{name} is not JSON: {exc}") from exc
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise SettingError(f"{name} must be a JSON array of objects")
    for at, record in enumerate(records):
        missing = [key for key in _REQUIRED[name] if not record.get(key)]
        unknown = sorted(set(record) - {*_REQUIRED[name], *_OPTIONAL[name]})
        if missing:
            raise SettingError(f"{name}[{at}] lacks the key {missing[0]}")
        if unknown:
            raise SettingError(f"{name}[{at}] has an unknown key {unknown[0]}")
    return records


def seed(session: Session, data: DemoData) -> None:
    """Create or update everything in `data`; a secret is hashed again only when it changed."""
    for record in data.clients:
        seed_client(session, record)
    for record in data.mediators:
        _upsert(session, Mediator, "urn", record)
    session.flush()
    for record in data.channels:
        fields = {key: value for key, value in record.items() if key != "mediator_urn"}
        urn = record["mediator_urn"]
        mediator = session.scalar(select(Mediator).where(Mediator.urn == urn))
        if mediator is None:
            raise SettingError(f"DEMO_SEED_CHANNELS_JSON: no mediator has the mediator_urn {urn}")
        channel = _upsert(session, Channel, "name", {**fields, "mediator_id": mediator.id})
        if channel.path_pattern == ESB_PATH:
            _seed_registration(session, channel)


def _seed_registration(session: Session, channel: Channel) -> None:
    """The organization DEMO, unless somebody has changed what it is."""
    session.flush()
    model = ExternalSystemRegistration
    if session.scalar(select(model.id).where(model.channel_id == channel.id)) is None:
        key = organization_key(ESB_REGISTRATION["organization"])
        session.add(model(channel_id=channel.id, organization_key=key, **ESB_REGISTRATION))


def seed_client(session: Session, record: Mapping[str, Any]) -> None:
    """Create or update a client; its secret is hashed again only when it changed."""
    fields = {key: value for key, value in record.items() if key != "client_secret"}
    client: Client = _upsert(session, Client, "client_id", fields)
    secret = record["client_secret"]
    if not matches_hash(secret, [one.secret_hash for one in client.secrets]):
        client.secrets = [ClientSecret(secret_hash=issue_secret(secret).hashed)]


def _upsert(session: Session, model: type[Any], key: str, record: Mapping[str, Any]) -> Any:
    row = session.scalar(select(model).where(getattr(model, key) == record[key]))
    if row is None:
        row = model(**record)
        session.add(row)
    else:
        apply(row, record)
    return row


def remove(session: Session, data: DemoData) -> None:
    """Remove what `data` names, with its transactions."""
    names = [record["name"] for record in data.channels]
    session.execute(delete(Transaction).where(Transaction.channel_name.in_(names)))
    for model, key, records in (
        (Channel, Channel.name, data.channels),
        (Mediator, Mediator.urn, data.mediators),
        (Client, Client.client_id, data.clients),
    ):
        wanted = [record[key.key] for record in records]
        for row in session.scalars(select(model).where(key.in_(wanted))):
            session.delete(row)
        session.flush()


def sample_transactions(data: DemoData, per_channel: int, now: datetime) -> list[Transaction]:
    """`per_channel` finished calls for each channel: every tenth failed."""
    client = data.clients[0]["client_id"]
    return [
        _sample(data.request_base_url, record, client, now - timedelta(minutes=at), at % 10 == 9)
        for record in data.channels
        for at in range(per_channel)
    ]


def _sample(
    base_url: str, channel: Mapping[str, Any], client: str, at: datetime, is_failure: bool
) -> Transaction:
    return Transaction(
        correlation_id=new_id_at(at),
        channel_name=channel["name"],
        client_name=client,
        client_address="127.0.0.1",
        status=TransactionStatus.FAILED if is_failure else TransactionStatus.SUCCESSFUL,
        request_method=(channel.get("methods") or ["GET"])[0],
        request_url=base_url + channel["path_pattern"].rstrip("*"),
        request_headers={},
        request_body=channel.get("request_body_example", ""),
        request_body_whole=True,
        response_status_code=502 if is_failure else 200,
        response_headers={"Content-Type": "application/json"},
        response_body="" if is_failure else '{"ok": true}',
        error_message="Failed to reach mediator endpoint" if is_failure else None,
        started_at=at,
        completed_at=at + timedelta(milliseconds=12),
        duration_ms=12.0,
    )
