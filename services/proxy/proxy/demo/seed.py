"""Demonstration data is put there: clients, mediators, channels, finished calls. Idempotent."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from common.clock import utc_now
from common.errors import Conflict, Invalid
from common.ids import new_id_at
from common.settings import SettingError
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.clients import ensure_client
from proxy.demo.data import ESB_PATH, DemoData
from proxy.models import (
    Channel,
    Client,
    ExternalSystemRegistration,
    HourlyRollup,
    Mediator,
    Transaction,
    TransactionStatus,
)
from proxy.record.removal import remove_calls_now
from proxy.record.sealing import Sealer
from proxy.registry.channels import create_channel, update_channel
from proxy.registry.mediators import register, update_mediator
from proxy.registry.registrations import organization_key
from proxy.schemas.mediators import FIRST_VERSION
from proxy.statistics.rollup_job import note_changes

#: Who is registered at the channel that leads to the bus.
ESB_REGISTRATION = {"organization": "DEMO", "api_code": "DEMO-API", "push_code": "DEMO-PUSH"}


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
    hours = select(HourlyRollup.hour).where(HourlyRollup.channel_name.in_(names))
    note_changes(session, session.scalars(hours))
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
