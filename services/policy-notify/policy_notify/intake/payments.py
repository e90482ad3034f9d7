"""Reports about payments: control number assigned or failed, paid, not matched. Each is kept once.

What the texts name and the read model does not know is kept with the report as `facts`: texts, or
None, by the names of `PaymentRecord`'s fields.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from common.clock import utc_now
from common.db.database import insert_into
from common.errors import Invalid
from common.ids import new_id
from common.texts import _
from common.web.fields import Flag, Line, Name
from sqlalchemy import select
from sqlalchemy.orm import Session

from policy_notify.intake.fields import Amount, MomentOrDay
from policy_notify.intake.reading import current_reading
from policy_notify.intake.records import Record, first_number
from policy_notify.models import Delivery, IndicationStatus, PaymentEvent, PaymentNotice

MAX_POLICIES = 100
FACTS = (
    "language",
    "control_number",
    "requested_at",
    "expected_amount",
    "paid_at",
    "received_amount",
    "error",
    "activated",
)


class PaymentRecord(Record):
    """What happened to a payment; the policies' families are found in the read model."""

    uuid = ma.fields.UUID(
        required=True, metadata={"description": "Of this report; sent again, nothing happens"}
    )
    event = ma.fields.Enum(
        PaymentEvent, by_value=ma.fields.String, required=True, metadata={"example": "paid"}
    )
    payment = ma.fields.UUID(load_default=None, allow_none=True)
    occurred_at = MomentOrDay(
        load_default=None, allow_none=True, metadata={"description": "Default: now"}
    )
    policies = ma.fields.List(
        ma.fields.UUID(), load_default=list, validate=ma.validate.Length(max=MAX_POLICIES)
    )
    phone = Line(
        max_length=50,
        load_default=None,
        allow_none=True,
        metadata={
            "example": "0712345678",
            "description": "The payer's; default: that of the policies' family",
        },
    )
    language = Name(max_length=16, load_default=None, allow_none=True)
    control_number = Name(max_length=50, load_default=None, allow_none=True)
    requested_at = MomentOrDay(load_default=None, allow_none=True)
    expected_amount = Amount(load_default=None, allow_none=True)
    paid_at = MomentOrDay(
        load_default=None, allow_none=True, metadata={"description": "Default: `occurred_at`"}
    )
    received_amount = Amount(load_default=None, allow_none=True)
    error = Name(max_length=160, load_default=None, allow_none=True)
    activated = Flag(
        load_default=None,
        allow_none=True,
        metadata={"description": "Whether the policies are in force; default: as they are here"},
    )


def load_report(given: Any) -> dict[str, Any]:
    """The report, checked, with times in the scheme's zone. Raises Invalid."""
    try:
        loaded: dict[str, Any] = PaymentRecord().load(given)
    except ma.ValidationError as exc:
        raise Invalid(_("The payment cannot be read"), exc.normalized_messages()) from exc
    return loaded


def keep_report(session: Session, report: Mapping[str, Any]) -> tuple[PaymentNotice, bool]:
    """Keep a report for the worker to send; False with the one that was kept under its `uuid`."""
    now = utc_now()
    values = {
        "id": new_id(),
        "uuid": report["uuid"],
        "payment": report["payment"],
        "type": report["event"],
        "occurred_at": report["occurred_at"] or report["paid_at"] or now,
        "policies": [str(one) for one in _distinct(report["policies"])],
        "payer_number": first_number(report["phone"], current_reading().region),
        "facts": {name: _storable(report[name]) for name in FACTS},
        "attempt": 1,
        "status": IndicationStatus.UNDEFINED,
        "reason": "",
        "delivery": Delivery.READY,
        "created_at": now,
    }
    statement = insert_into(session, PaymentNotice).values(values)
    once = statement.on_conflict_do_nothing(index_elements=["uuid"])
    made = session.scalar(once.returning(PaymentNotice.id))
    kept = session.scalars(select(PaymentNotice).where(PaymentNotice.uuid == report["uuid"]))
    return kept.one(), made is not None


def _distinct(policies: list[UUID]) -> list[UUID]:
    return list(dict.fromkeys(policies))


def _storable(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
