"""`/admin/policy-notification/`: the latest runs."""

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from policy_notify.console.blueprint import pages
from policy_notify.container import container
from policy_notify.models import Run

_RUNS_SHOWN = 10


@pages.page("/")
def overview() -> ResponseReturnValue:
    """The latest runs."""
    with container().database.reading() as session:
        runs = session.scalars(select(Run).order_by(Run.id.desc()).limit(_RUNS_SHOWN)).all()
    return render_template("pages/overview.html", runs=runs)
