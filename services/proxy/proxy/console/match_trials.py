"""The match tester beside a channel's pattern: would it take a call, and if not, why."""

import uuid
from http import HTTPStatus

from common.clock import utc_now
from common.console.forms import Form, read_form
from common.console.staff import StaffRole
from common.errors import Invalid
from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.gateway.matching import Pattern, compile_pattern
from proxy.gateway.routing_table import load_table
from proxy.match_trial import Trial, online_mediators, try_match, with_pattern
from proxy.parts import parts
from proxy.schemas.forms import TrialForm


@pages.act("/mediator/channels/<uuid:channel_id>/try/", StaffRole.VIEWER)
def try_channel(channel_id: uuid.UUID) -> ResponseReturnValue:
    """Ask without a call, of the pattern as stored or as it is being typed; nothing changes."""
    form, pattern = _with_compiled(read_form(TrialForm()))
    trial = None if form.errors else _try(channel_id, form, pattern)
    status = HTTPStatus.OK  # htmx shows no other answer
    return render_template("pages/match_trial.html", form=form, trial=trial), status


def _with_compiled(form: Form) -> tuple[Form, Pattern | None]:
    typed = form.values.get("path_pattern")
    if typed is None:
        return form, None
    try:
        return form, compile_pattern(typed.strip())
    except Invalid as exc:
        return form.refused(exc.errors), None


def _try(channel_id: uuid.UUID, form: Form, pattern: Pattern | None) -> Trial:
    settings = parts().settings

    def query(session: Session) -> Trial:
        online = online_mediators(session, utc_now(), settings.heartbeat_timeout_s)
        table = load_table(session, 0, settings.forward_timeout_s)
        if pattern is not None:
            table = with_pattern(table, channel_id, pattern)
        call = form.values
        return try_match(session, table, channel_id, call["method"], call["path"], online)

    return read(query)
