"""What SMS cost, on the wire."""

from typing import Any

import marshmallow as ma
from common.texts import N_
from common.web.fields import Line
from common.web.paging import page_schema
from marshmallow import validate

from notification.models.costs import PARTS_OF_UNIT
from notification.models.outbox import PROVIDER_CHARS
from notification.outbox.costs import By
from notification.schemas.fields import Code, Schema


class Month(Line):
    """A month, as `2026-11`."""

    def __init__(self, **kwargs: Any) -> None:
        rule = validate.Regexp(
            "^[0-9]{4}-(0[1-9]|1[0-2])$", error=N_("Must be a month, as 2026-11.")
        )
        super().__init__(max_length=7, validate=rule, **kwargs)


class CostArgs(Schema):
    """Which costs."""

    since = Month(
        load_default=None, metadata={"example": "2025-01", "description": "The first month"}
    )
    until = Month(
        load_default=None, metadata={"example": "2035-01", "description": "The last month"}
    )
    event_code = Code(load_default=None, metadata={"example": "DEMO_APPOINTMENT"})
    provider = Line(max_length=PROVIDER_CHARS, load_default=None, metadata={"example": "demo"})


class CostReportArgs(CostArgs):
    """Which costs, and what they are told apart by."""

    by = ma.fields.Enum(By, by_value=ma.fields.String, load_default=By.ALL)


class CostOut(Schema):
    """A month's SMS of an event over a provider."""

    month = ma.fields.String(required=True)
    event_code = ma.fields.String(required=True)
    provider = ma.fields.String(required=True)
    messages = ma.fields.Integer(required=True)
    segments = ma.fields.Integer(
        required=True, metadata={"description": "Of all numbers that they went to"}
    )
    cost = ma.fields.Function(
        lambda row: row.cost / PARTS_OF_UNIT,
        required=True,
        metadata={"type": "number", "description": "At the prices that held when they were taken"},
    )


class BudgetOut(Schema):
    """An event's budget of this month."""

    event_code = ma.fields.String(required=True)
    sms_budget = ma.fields.Integer(required=True)
    spent = ma.fields.Float(required=True)
    is_spent = ma.fields.Boolean(required=True)


class SpentOut(CostOut):
    """SMS and what they cost; null: not told apart by it."""

    month = ma.fields.String(required=True, allow_none=True)
    event_code = ma.fields.String(required=True, allow_none=True)
    provider = ma.fields.String(required=True, allow_none=True)


SpentPage = page_schema(SpentOut, currency=ma.fields.String(required=True))
CostPage = page_schema(
    CostOut,
    currency=ma.fields.String(required=True),
    budgets=ma.fields.List(ma.fields.Nested(BudgetOut), required=True),
)
