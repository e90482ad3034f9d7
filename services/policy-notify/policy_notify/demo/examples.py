"""One record of each kind under the id that the OpenAPI document's examples have. Idempotent.

There is a family, and no policy: no run has anything to send.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from common.web.examples import EXAMPLE_ID, body_example
from sqlalchemy.orm import Session

from policy_notify.intake.kinds import KINDS
from policy_notify.intake.reading import Reading
from policy_notify.intake.upsert import store
from policy_notify.models import (
    Delivery,
    IndicationStatus,
    Location,
    PaymentEvent,
    PaymentNotice,
    Run,
    RunStatus,
)

_SEEDED = ("locations", "officers", "products", "families", "insurees", "consents")
_DISTRICT = "01900000-0000-7000-8000-000000000002"


def seed(session: Session, reading: Reading, now: datetime) -> None:
    """Add the records that are missing; what somebody has changed stays as it is."""
    for kind in map(KINDS.__getitem__, _SEEDED):
        if session.get(kind.model, EXAMPLE_ID) is None:
            store(session, kind, [body_example(kind.schema)], reading)
    district = {"uuid": _DISTRICT, "code": "D17", "name": "Kondoa", "level": "D"}
    if session.get(Location, UUID(_DISTRICT)) is None:
        store(session, KINDS["locations"], [{**district, "parent": str(EXAMPLE_ID)}], reading)
    for record in _records(now):
        if session.get(type(record), EXAMPLE_ID) is None:
            session.add(record)


def _records(now: datetime) -> Iterator[Any]:
    yield Run(
        id=EXAMPLE_ID,
        run_date=date(2026, 1, 1),
        requested_by="demonstration",
        status=RunStatus.ENDED,
        created_at=now,
        started_at=now,
        ended_at=now,
    )
    yield PaymentNotice(
        id=EXAMPLE_ID,
        uuid=EXAMPLE_ID,
        type=PaymentEvent.PAID,
        occurred_at=now,
        policies=[],
        status=IndicationStatus.NOT_VALID,
        reason="An example: there is no such payment",
        delivery=Delivery.ENDED,
        ended_at=now,
    )
