"""`/admin/mediator/transactions/rerun/`: all calls that meet filters become a task."""

from http import HTTPStatus

from common.console.forms import Form, read_filters, read_form
from common.console.rights import Right
from common.errors import Invalid
from common.texts import _
from flask import g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.console.saving import write
from proxy.console.tasks import as_typed
from proxy.container import container
from proxy.record import rerun_tasks
from proxy.record.rerun_many import meant
from proxy.record.rerun_tasks import USUAL_BATCH_SIZE, Order
from proxy.record.transactions import TransactionFilter
from proxy.schemas.forms import RerunForm
from proxy.schemas.transactions import Filter

#: Calls that the form counts.
MOST_COUNTED = 1000
_USUAL = Form.of({"batch_size": USUAL_BATCH_SIZE})


@pages.page("/mediator/transactions/rerun/", Right.GATEWAY_RERUN)
def rerun_form() -> ResponseReturnValue:
    """How many calls there are, and whether they are really meant."""
    return _form(read_filters(Filter()), _USUAL)


@pages.act("/mediator/transactions/rerun/", Right.GATEWAY_RERUN)
def rerun_many() -> ResponseReturnValue:
    """Make a task of the calls, and go to its page."""
    filters, form = read_form(Filter()), read_form(RerunForm())
    wanted = _wanted(filters)
    if form.errors:
        return _form(filters, form), HTTPStatus.UNPROCESSABLE_ENTITY
    order = Order(wanted=wanted, **form.values)
    task = write(
        lambda session: rerun_tasks.create_task(session, order, g.staff.name, g.staff.staff_id)
    )
    container().wake_up.send()
    return redirect(url_for("console.task", task_id=task.id), 303)


def _form(filters: Form, form: Form) -> str:
    wanted = _wanted(filters)
    found = read(lambda session: meant(session, wanted, MOST_COUNTED))
    return render_template(
        "pages/rerun.html", filters=filters, asked=as_typed(wanted), meant=found, form=form
    )


def _wanted(filters: Form) -> TransactionFilter:
    if filters.errors:
        raise Invalid(_("The filters cannot be read"), dict(filters.errors))
    wanted = reach.rerunning(**filters.values)
    if wanted.is_empty():
        raise Invalid(_("Choose at least one filter: this would make every call again."))
    return wanted
