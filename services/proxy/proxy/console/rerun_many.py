"""`/admin/mediator/transactions/rerun/`: all calls that meet filters, made again with progress.

The page asks for one batch after the other: who leaves it stops, and what is in line by then is
made.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

import marshmallow as ma
from common.clock import utc_now
from common.console.forms import Form, read_filters, read_form
from common.console.staff import StaffRole
from common.errors import Invalid
from common.ids import lowest_id_at
from common.web.fields import Moment
from flask import render_template, request
from flask.typing import ResponseReturnValue

from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.container import container
from proxy.models import FINAL_STATUSES
from proxy.record import reruns
from proxy.record.reruns import Reruns
from proxy.record.transactions import TransactionFilter
from proxy.schemas.transactions import MAX_RERUNS, Filter

_count = ma.validate.Range(0, MAX_RERUNS)


class ProgressForm(ma.Schema):
    """How far the run has come; nothing of it is sent before the first batch."""

    began = Moment()
    cursor = ma.fields.UUID()
    total = ma.fields.Integer(validate=_count)
    made = ma.fields.Integer(validate=_count)
    refused = ma.fields.Integer(validate=_count)


@dataclass(frozen=True)
class Progress:
    """A run over calls older than `began`, newest first; those from `cursor` on are done."""

    began: datetime
    cursor: uuid.UUID
    total: int
    made: int = 0
    refused: int = 0
    is_over: bool = False

    @classmethod
    def begin(cls, now: datetime, total: int) -> Self:
        """Nothing is done yet."""
        return cls(now, lowest_id_at(now), total)

    @property
    def handled(self) -> int:
        """How many calls were looked at."""
        return self.made + self.refused

    def after(self, outcome: Reruns) -> Self:
        """The progress with one more batch."""
        made, refused = self.made + outcome.count, self.refused + len(outcome.refused)
        return replace(
            self,
            cursor=outcome.last or self.cursor,
            made=made,
            refused=refused,
            is_over=not outcome.more or made + refused >= self.total,
        )


@pages.page("/mediator/transactions/rerun/", StaffRole.OPERATOR)
def rerun_form() -> ResponseReturnValue:
    """How many calls there are, and whether they are really meant."""
    filters = read_filters(Filter())
    wanted = _wanted(filters)
    count = read(lambda session: reruns.count_matching(session, wanted, MAX_RERUNS + 1))
    return render_template("pages/rerun.html", filters=filters, count=count, most=MAX_RERUNS)


@pages.act("/mediator/transactions/rerun/", StaffRole.OPERATOR)
def rerun_batch() -> ResponseReturnValue:
    """Make the next calls again; the answer asks for the next ones."""
    filters = read_form(Filter())
    wanted, progress = _wanted(filters), _progress()
    process = container()
    database, sealer = process.database, process.sealer
    timeout_s = process.settings.forward_timeout_s
    if progress is None:
        total = read(lambda session: reruns.count_matching(session, wanted, MAX_RERUNS))
        progress = Progress.begin(utc_now(), total)
    cursor, limit = progress.cursor, min(reruns.BATCH, max(1, progress.total - progress.handled))
    outcome = reruns.rerun_matching(database, sealer, wanted, limit, timeout_s, cursor)
    process.wake_up.send()
    return render_template(
        "pages/rerun_step.html" if "HX-Request" in request.headers else "pages/rerun_run.html",
        filters=filters,
        progress=progress.after(outcome),
        refused=outcome.refused,
        ends={},
    )


@pages.page("/mediator/transactions/rerun/ends/", StaffRole.OPERATOR)
def rerun_ends() -> ResponseReturnValue:
    """A part of the page: how the new calls stand."""
    filters, sent = read_filters(Filter()), read_filters(ProgressForm(only=("began", "made")))
    wanted = _wanted(filters)
    began, made = _readable(sent)["began"], sent.values["made"]
    ends = read(lambda session: reruns.ends_since(session, wanted, lowest_id_at(began)))
    return render_template(
        "pages/rerun_ends.html",
        filters=filters,
        began=began,
        made=made,
        ends=ends,
        ended=sum(ends.get(status, 0) for status in FINAL_STATUSES),
    )


def _wanted(filters: Form) -> TransactionFilter:
    wanted = TransactionFilter(**_readable(filters))
    if wanted.is_empty():
        raise Invalid("Choose at least one filter: this would make every call again.")
    return wanted


def _progress() -> Progress | None:
    sent = _readable(read_form(ProgressForm()))
    return Progress(**sent) if sent else None


def _readable(form: Form) -> dict[str, Any]:
    if form.errors:
        raise Invalid("The filters cannot be read", dict(form.errors))
    return dict(form.values)
