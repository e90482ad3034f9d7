"""One record of each kind under the id that the OpenAPI document's examples have. Idempotent.

Calls, tasks and alerts are none of them: those are kept for some days only.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from common.web.examples import EXAMPLE_ID
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.clients import issue_secret
from proxy.demo.data import ESB_PATH, DemoData
from proxy.models import (
    About,
    AlertRule,
    Channel,
    Client,
    ClientSecret,
    ContactGroup,
    CustomRole,
    ExternalSystemRegistration,
    MaintenanceWindow,
    Measure,
    Mediator,
    StaffUser,
)
from proxy.registry.registrations import organization_key

_MODELS = (
    *(AlertRule, ContactGroup, MaintenanceWindow, CustomRole),
    *(ExternalSystemRegistration, Channel, Mediator, StaffUser, Client),
)
_CHANNEL, _PATH = "Example laboratory", "/example/laboratory"
_FAR_AWAY = datetime(2035, 1, 1, tzinfo=UTC)


def seed(session: Session, data: DemoData) -> None:
    """Add the records that are missing; what somebody has changed stays as it is."""
    esb_channel = session.scalar(select(Channel.id).where(Channel.path_pattern == ESB_PATH))
    for record in _records(data, esb_channel):
        if session.get(type(record), EXAMPLE_ID) is None:
            session.add(record)
            session.flush()


def remove(session: Session) -> None:
    """Remove them: what points at others first."""
    for model in _MODELS:
        if (record := session.get(model, EXAMPLE_ID)) is not None:
            session.delete(record)
            session.flush()


def _records(data: DemoData, esb_channel: UUID | None) -> Iterator[Any]:
    yield _client()
    yield Mediator(
        id=EXAMPLE_ID,
        urn="urn:mediator:example",
        name="Example mediator",
        version="1.0.0",
        endpoint_url=data.mediators[0]["endpoint_url"],
        default_channels=[
            {"name": "Example results", "urlPattern": "^/example/results$", "routes": []}
        ],
    )
    yield Channel(
        id=EXAMPLE_ID, name=_CHANNEL, path_pattern=_PATH, methods=["POST"], mediator_id=EXAMPLE_ID
    )
    yield ExternalSystemRegistration(
        id=EXAMPLE_ID,
        channel_id=esb_channel,
        organization="EXAMPLE",
        organization_key=organization_key("EXAMPLE"),
        api_code="EXAMPLE-API",
        allow=["example"],
    )
    yield StaffUser(id=EXAMPLE_ID, username="example", password_hash="", is_active=False)
    yield CustomRole(id=EXAMPLE_ID, name="example", rights=["gateway:observe"])
    yield from _alerts()


def _alerts() -> Iterator[Any]:
    """A rule out of use: nobody is told anything."""
    yield ContactGroup(id=EXAMPLE_ID, name="Example group", contacts=[], reports=[], reported={})
    yield AlertRule(
        id=EXAMPLE_ID,
        name="Example rule",
        measure=Measure.FAILURE_SHARE,
        about=About.CHANNEL,
        subject=_CHANNEL,
        threshold=5,
        percentile=95,
        window_s=300,
        least_calls=5,
        quiet_s=0,
        group_id=EXAMPLE_ID,
        escalate_after_s=0,
        is_active=False,
    )
    yield MaintenanceWindow(
        id=EXAMPLE_ID,
        about=About.CHANNEL,
        subject=_CHANNEL,
        begins_at=_FAR_AWAY,
        ends_at=_FAR_AWAY + timedelta(hours=1),
        reason="Example",
    )


def _client() -> Client:
    """A client with two secrets that nobody knows: one may be dropped."""
    first, second = (issue_secret(None).hashed for _ in range(2))
    secrets = [ClientSecret(id=EXAMPLE_ID, secret_hash=first), ClientSecret(secret_hash=second)]
    return Client(id=EXAMPLE_ID, client_id="example", name="Example client", secrets=secrets)
