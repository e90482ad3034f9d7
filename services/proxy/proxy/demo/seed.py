"""Demonstration data: clients, mediators, channels, and transactions to look at. Idempotent."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import marshmallow as ma
from common.clock import utc_now
from common.errors import Conflict, Invalid
from common.ids import new_id_at
from common.settings import SettingError
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.clients import ensure_client
from proxy.access.scopes import SCOPES
from proxy.models import (
    Channel,
    Client,
    ExternalSystemRegistration,
    Mediator,
    Transaction,
    TransactionStatus,
)
from proxy.record.removal import remove_calls_now
from proxy.record.sealing import Sealer
from proxy.registry.channels import check_rules, create_channel, update_channel
from proxy.registry.endpoints import check_endpoint
from proxy.registry.mediators import register, update_mediator
from proxy.registry.registrations import organization_key
from proxy.schemas.channels import ChannelIn
from proxy.schemas.clients import NewClientIn
from proxy.schemas.mediators import FIRST_VERSION, MediatorIn

Records = Sequence[Mapping[str, Any]]

#: The demonstration channel that leads to the bus, and who is registered there.
ESB_PATH = "/demo/esb"
ESB_REGISTRATION = {"organization": "DEMO", "api_code": "DEMO-API", "push_code": "DEMO-PUSH"}

_REQUIRED = {
    "DEMO_SEED_CLIENTS_JSON": ("client_id", "name", "client_secret"),
    "DEMO_SEED_MEDIATORS_JSON": ("urn", "name", "endpoint_url"),
    "DEMO_SEED_CHANNELS_JSON": ("name", "path_pattern", "mediator_urn"),
}
_OPTIONAL = {
    "DEMO_SEED_CLIENTS_JSON": ("allowed_ips", "is_active", "scopes", "roles"),
    "DEMO_SEED_MEDIATORS_JSON": ("version", "is_online"),
    "DEMO_SEED_CHANNELS_JSON": tuple(ChannelIn(exclude=("mediator_id",)).fields),
}
#: What new clients may do in a demonstration whose record names no scopes: emit events, as
#: everybody could at the Django mediator.
_USUAL_SCOPES = ("notification:emit",)
_OFF = frozenset({"0", "false", "no", "off"})
_SCHEMAS: dict[str, type[ma.Schema]] = {
    "DEMO_SEED_CLIENTS_JSON": NewClientIn,
    "DEMO_SEED_MEDIATORS_JSON": MediatorIn,
    "DEMO_SEED_CHANNELS_JSON": ChannelIn,
}


@dataclass(frozen=True)
class DemoData:
    """What is to be there after seeding; `request_base_url` heads the sample transactions' URLs."""

    clients: Records = field(repr=False)
    mediators: Records
    channels: Records
    request_base_url: str = ""
    #: Of new clients that name none.
    scopes: Sequence[str] = ()

    def without_scopes(self) -> list[str]:
        """The clients that can call channels, and nothing else."""
        names = (record["client_id"] for record in self.clients if "scopes" not in record)
        return [] if self.scopes else list(names)


def read_demo_data(environ: Mapping[str, str]) -> DemoData:
    """The demonstration data, as `DEMO_SEED_*` overrides it. Raises SettingError."""
    client = environ.get("DEMO_SEED_CLIENT_PREFIX") or "demo"
    mediator = demo_mediator_record(environ, _port(environ.get("DEMO_MEDIATOR_PORT") or "8090"))
    channel = environ.get("DEMO_SEED_CHANNEL_PREFIX") or "Demo"
    usual: dict[str, Callable[[], Records]] = {
        "DEMO_SEED_CLIENTS_JSON": lambda: _clients(client, environ.get("DEMO_CLIENT_SECRET", "")),
        "DEMO_SEED_MEDIATORS_JSON": lambda: [mediator],
        "DEMO_SEED_CHANNELS_JSON": lambda: _channels(channel, mediator["urn"]),
    }
    given = {name: _given(name, environ) or records() for name, records in usual.items()}
    return DemoData(
        clients=given["DEMO_SEED_CLIENTS_JSON"],
        mediators=given["DEMO_SEED_MEDIATORS_JSON"],
        channels=given["DEMO_SEED_CHANNELS_JSON"],
        request_base_url=environ.get("DEMO_SEED_REQUEST_BASE_URL", ""),
        scopes=() if environ.get("DEMO", "1").lower() in _OFF else _USUAL_SCOPES,
    )


def _port(text: str) -> int:
    if not text.isdecimal():
        raise SettingError("DEMO_MEDIATOR_PORT cannot be read: expected a port")
    return int(text)


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
    prefix = environ.get("DEMO_SEED_MEDIATOR_PREFIX") or "urn:mediator:demo"
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
            "description": "Goes to the bus: to its simulator where none is configured.",
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
    return [_checked(name, at, record) for at, record in enumerate(records)]


def _checked(name: str, at: int, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record as the API would save it. Raises SettingError naming the key."""
    missing = [key for key in _REQUIRED[name] if not record.get(key)]
    unknown = sorted(set(record) - {*_REQUIRED[name], *_OPTIONAL[name]})
    if missing:
        raise SettingError(f"{name}[{at}] lacks the key {missing[0]}")
    if unknown:
        raise SettingError(f"{name}[{at}] has an unknown key {unknown[0]}")
    schema = _SCHEMAS[name](partial=True)
    try:
        fields = schema.load({key: record[key] for key in record if key in schema.fields})
        check_rules(fields)
        if "endpoint_url" in fields:
            check_endpoint(fields["endpoint_url"])
    except ma.ValidationError as exc:
        key = next(iter(exc.normalized_messages()))
        raise SettingError(f"{name}[{at}] has a bad value for the key {key}") from exc
    except Invalid as exc:
        raise SettingError(f"{name}[{at}]: {exc}") from exc
    return {**record, **fields}


def seed(session: Session, sealer: Sealer, data: DemoData) -> None:
    """Create or update everything in `data`, by the API's rules; a secret is hashed again only
    when it changed. Raises SettingError.
    """
    for client in data.clients:
        _seed_client(session, client, data.scopes)
    for at, mediator in enumerate(data.mediators):
        with _rules_of("DEMO_SEED_MEDIATORS_JSON", at):
            _seed_mediator(session, sealer, mediator)
    for at, channel in enumerate(data.channels):
        with _rules_of("DEMO_SEED_CHANNELS_JSON", at):
            _seed_channel(session, channel, [str(one["client_id"]) for one in data.clients])


@contextmanager
def _rules_of(name: str, at: int) -> Iterator[None]:
    """What the API would refuse ends the command with the variable's name."""
    try:
        yield
    except (Invalid, Conflict) as exc:
        raise SettingError(f"{name}[{at}]: {exc}") from exc


def _seed_client(session: Session, record: Mapping[str, Any], scopes: Sequence[str]) -> None:
    """A new client without scopes gets the usual ones; nobody gets back what was taken away."""
    known = session.scalar(select(Client.id).where(Client.client_id == record["client_id"]))
    ensure_client(session, record if known else {"scopes": list(scopes), **record})


def _seed_mediator(session: Session, sealer: Sealer, record: Mapping[str, Any]) -> None:
    known = session.scalar(select(Mediator.id).where(Mediator.urn == record["urn"]))
    if known is None:
        register(session, sealer, {"version": FIRST_VERSION, **record})
    else:
        update_mediator(session, sealer, known, record, utc_now())


def _seed_channel(session: Session, record: Mapping[str, Any], clients: list[str]) -> None:
    fields = {key: value for key, value in record.items() if key != "mediator_urn"}
    urn = record["mediator_urn"]
    mediator_id = session.scalar(select(Mediator.id).where(Mediator.urn == urn))
    if mediator_id is None:
        raise SettingError(f"DEMO_SEED_CHANNELS_JSON: no mediator has the mediator_urn {urn}")
    fields["mediator_id"] = mediator_id
    known = session.scalar(select(Channel.id).where(Channel.name == record["name"]))
    if known is None:
        channel = create_channel(session, fields)
    else:
        channel = update_channel(session, known, fields)
    if channel.path_pattern == ESB_PATH:
        _seed_registration(session, channel, clients)


def _seed_registration(session: Session, channel: Channel, clients: list[str]) -> None:
    """The organization DEMO, for these clients, unless somebody has changed what it is."""
    session.flush()
    model = ExternalSystemRegistration
    if session.scalar(select(model.id).where(model.channel_id == channel.id)) is None:
        key = organization_key(ESB_REGISTRATION["organization"])
        codes = {"organization_key": key, **ESB_REGISTRATION}
        session.add(model(channel_id=channel.id, allow=clients, **codes))


def remove(session: Session, data: DemoData) -> None:
    """Remove what `data` names, with its transactions."""
    names = [record["name"] for record in data.channels]
    remove_calls_now(session, Transaction.channel_name.in_(names))
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
