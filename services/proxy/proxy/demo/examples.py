"""One record of each kind under the id that the OpenAPI document's examples have. Idempotent.

Calls and tasks are none of them: those are kept for some days only.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from common.web.examples import EXAMPLE_ID
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.clients import issue_secret
from proxy.demo.seed import ESB_PATH, DemoData
from proxy.models import (
    Channel,
    Client,
    ClientSecret,
    ExternalSystemRegistration,
    Mediator,
    StaffUser,
)
from proxy.registry.registrations import organization_key

_CHANNEL, _PATH = "Example laboratory", "/example/laboratory"


def seed(session: Session, data: DemoData) -> None:
    """Add the records that are missing; what somebody has changed stays as it is."""
    esb_channel = session.scalar(select(Channel.id).where(Channel.path_pattern == ESB_PATH))
    for record in _records(data, esb_channel):
        if session.get(type(record), EXAMPLE_ID) is None:
            session.add(record)
            session.flush()


def remove(session: Session) -> None:
    """Remove them: what points at others first."""
    for model in (ExternalSystemRegistration, Channel, Mediator, StaffUser, Client):
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


def _client() -> Client:
    """A client with two secrets that nobody knows: one may be dropped."""
    first, second = (issue_secret(None).hashed for _ in range(2))
    secrets = [ClientSecret(id=EXAMPLE_ID, secret_hash=first), ClientSecret(secret_hash=second)]
    return Client(id=EXAMPLE_ID, client_id="example", name="Example client", secrets=secrets)
