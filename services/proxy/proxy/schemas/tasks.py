"""Rerun tasks on the wire: which calls they make again, and how far they have come."""

from typing import Any

import marshmallow as ma
from common.texts import _
from common.web.fields import Flag, Integer, Moment
from common.web.paging import PageArgs

from proxy.models import RerunState, TaskStatus
from proxy.record.rerun_tasks import MOST_BATCH_SIZE, MOST_IDS, USUAL_BATCH_SIZE, Order
from proxy.record.transactions import TransactionFilter
from proxy.schemas.fields import Complete, Recorded, Schema, Several
from proxy.schemas.transactions import Filter, some_condition


class WantedCalls(Filter):
    """Which calls: as in the list of transactions, with at least one condition."""

    @ma.post_load
    def _gather(self, given: dict[str, Any], **_kwargs: Any) -> TransactionFilter:
        return some_condition(given)


class TaskIn(Schema):
    """Calls to be made again: those of a filter, or those that are named."""

    filter = Complete(WantedCalls, metadata={"example": {"status": "failed", "channel": "Lab"}})
    ids = Several(
        ma.fields.UUID(),
        most=MOST_IDS,
        load_default=list,
        metadata={"description": "Correlation ids of calls, instead of a filter"},
    )
    batch_size = Integer(
        low=1,
        high=MOST_BATCH_SIZE,
        load_default=USUAL_BATCH_SIZE,
        metadata={"description": "Most of its calls that are under way at a time"},
    )
    include_repeated = Flag(
        load_default=False, metadata={"description": "Those that were repeated already, too"}
    )
    is_paused = Flag(load_default=False, metadata={"description": "It waits to be resumed"})

    @ma.validates_schema
    def _one_of_both(self, given: dict[str, Any], **_kwargs: Any) -> None:
        if ("filter" in given) is bool(given.get("ids")):
            raise ma.ValidationError(_("Give a filter, or ids."), "filter")

    @ma.post_load
    def _order(self, given: dict[str, Any], **_kwargs: Any) -> Order:
        return Order(wanted=given.pop("filter", None), **given)


class TaskOut(Recorded):
    """A task; the counts are of its calls."""

    made_by = ma.fields.String(required=True)
    status = ma.fields.Enum(TaskStatus, by_value=ma.fields.String, required=True)
    filter = ma.fields.Dict(
        required=True, allow_none=True, metadata={"description": "Null: its calls were named"}
    )
    batch_size = ma.fields.Integer(required=True)
    include_repeated = ma.fields.Boolean(required=True)
    finished_at = Moment(required=True, allow_none=True)
    total = ma.fields.Integer(
        required=True, metadata={"description": "All that were found so far, or named"}
    )
    waiting = ma.fields.Integer(required=True, metadata={"description": "To be made again"})
    in_hand = ma.fields.Integer(
        required=True, metadata={"description": "Made again, and not ended yet"}
    )
    done = ma.fields.Integer(required=True, metadata={"description": "Ended well"})
    failed = ma.fields.Integer(required=True, metadata={"description": "Failed again"})
    #: A schema has something else that is called so.
    outcome_unknown = ma.fields.Integer(
        required=True,
        attribute="unknown",
        data_key="unknown",
        metadata={"description": "Made again, with an outcome that is not known"},
    )
    left_out = ma.fields.Integer(
        required=True, metadata={"description": "Repeated already, or not repeatable"}
    )


class TaskCallArgs(PageArgs):
    """Which calls of a task."""

    state = ma.fields.Enum(RerunState, by_value=ma.fields.String, load_default=None)


class TaskCallOut(Schema):
    """A call of a task."""

    correlation_id = ma.fields.UUID(
        required=True, metadata={"description": "The call that is repeated"}
    )
    repeat_id = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "The new call"}
    )
    state = ma.fields.Enum(RerunState, by_value=ma.fields.String, required=True)
    reason = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Why it was left out"}
    )
