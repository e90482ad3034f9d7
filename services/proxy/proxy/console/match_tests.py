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
from proxy.container import container
from proxy.gateway.load_table import load_table
from proxy.models import Channel
from proxy.registry.match_test import Trial, online_mediators, try_match, with_pattern
from proxy.registry.patterns import Pattern, compile_pattern
from proxy.registry.records import existing
from proxy.registry.rewriting import NotRewritten, rewrite_of
from proxy.schemas.channel_forms import TrialForm


@pages.act("/mediator/channels/<uuid:channel_id>/try/", StaffRole.OBSERVER)
def try_channel(channel_id: uuid.UUID) -> ResponseReturnValue:
    """Ask without a call, of the pattern as stored or as it is being typed; nothing changes."""
    form, pattern = _with_compiled(read_form(TrialForm()))
    trial = None if form.errors else _try(channel_id, form, pattern)
    form, rewritten = _rewritten(channel_id, form) if trial is not None else (form, "")
    status = HTTPStatus.OK  # htmx shows no other answer
    page = render_template("pages/match_trial.html", form=form, trial=trial, rewritten=rewritten)
    return page, status


def _with_compiled(form: Form) -> tuple[Form, Pattern | None]:
    typed = form.values.get("path_pattern")
    if typed is None:
        return form, None
    try:
        return form, compile_pattern(typed.strip())
    except Invalid as exc:
        return form.refused(exc.errors), None


def _rewritten(channel_id: uuid.UUID, form: Form) -> tuple[Form, str]:
    """The path that the mediator would be asked for; empty where it is the call's own."""
    stored = read(lambda session: existing(session, Channel, channel_id))
    typed = (form.values.get("rewrite_path"), form.values.get("rewrite_expression"))
    if typed == (None, None):
        typed = (stored.rewrite_path, stored.rewrite_expression)
    path = form.values["path"].partition("?")[0]
    try:
        rewrite = rewrite_of(*(text or "" for text in typed))
        return form, rewrite(path) if rewrite else ""
    except NotRewritten as exc:
        return form.refused({"rewrite_expression": [str(exc)]}), ""
    except Invalid as exc:
        return form.refused(exc.errors), ""


def _try(channel_id: uuid.UUID, form: Form, pattern: Pattern | None) -> Trial:
    settings = container().settings

    def query(session: Session) -> Trial:
        online = online_mediators(session, utc_now(), settings.heartbeat_timeout_s)
        table = load_table(session, 0, settings.forward_timeout_s)
        if pattern is not None:
            table = with_pattern(table, channel_id, pattern)
        call = form.values
        return try_match(session, table, channel_id, call["method"], call["path"], online)

    return read(query)
