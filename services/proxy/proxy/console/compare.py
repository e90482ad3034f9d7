"""`/admin/mediator/transactions/…/compare/`: two calls side by side, with what differs marked."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import marshmallow as ma
from common.audit.log import record_act, viewing
from common.console.forms import Form, read_filters, read_form
from common.console.presenting import duration, word
from common.console.rights import Right
from common.texts import N_, _
from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import or_
from sqlalchemy.orm import Session

from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.models import Transaction
from proxy.record.headers import readable_headers
from proxy.record.side_by_side import Row, differs, lines, named
from proxy.record.transactions import asks_reason, summaries
from proxy.registry.records import existing
from proxy.schemas.forms import ReasonForm

#: Calls of the same channel that are offered.
_MOST_OFFERED = 20
_FACTS = {
    N_("Status"): "status",
    N_("Answer"): "response_status_code",
    N_("Method"): "request_method",
    N_("URL"): "request_url",
    N_("Channel"): "channel_name",
    N_("Client"): "client_name",
    N_("Client's address"): "client_address",
    N_("Organization"): "organization",
    N_("Went to"): "mediator_url",
    N_("Bytes of the request"): "request_body_length",
    N_("Bytes of the answer"): "response_body_length",
}
_DURATIONS = {N_("Took"): "duration_ms", N_("Match"): "match_ms", N_("Upstream"): "upstream_ms"}
_SIDES = {
    "request": (N_("Headers of the request"), N_("Body of the request")),
    "response": (N_("Headers of the answer"), N_("Body of the answer")),
}


class OtherForm(ma.Schema):
    """Which call is on the right side."""

    other = ma.fields.UUID()


@dataclass(frozen=True)
class Part:
    """Something of both calls, such as their headers."""

    title: str
    rows: Sequence[Row]

    @property
    def differs(self) -> bool:
        """Whether they are not the same there."""
        return differs(self.rows)


@pages.page("/mediator/transactions/<uuid:correlation_id>/compare/")
def compare(correlation_id: uuid.UUID) -> ResponseReturnValue:
    """Both calls; their headers and bodies perhaps not before one says why.

    Without another call: those that it may be compared with.
    """
    other = read_filters(OtherForm()).values.get("other")
    if other is None:
        viewing(is_shown=False)
        return _offer(correlation_id)
    both, asks = read(lambda session: _both(session, correlation_id, other))
    is_open = not asks and all(map(reach.sees_bodies, both))
    viewing(is_shown=is_open)
    if is_open:
        record_act("transaction.viewed", other)
    return _page(both, is_open=is_open)


@pages.act("/mediator/transactions/<uuid:correlation_id>/compare/", Right.GATEWAY_BODIES)
def open_comparison(correlation_id: uuid.UUID) -> ResponseReturnValue:
    """The same with headers and bodies, for the reason that was given."""
    form, chosen = read_form(ReasonForm()), read_form(OtherForm())
    other = chosen.values.get("other", correlation_id)
    both, _ = read(lambda session: _both(session, correlation_id, other))
    for call in both:
        reach.check_bodies(call)
    if form.errors or chosen.errors:
        return _page(both, is_open=False, form=form), HTTPStatus.UNPROCESSABLE_ENTITY
    for call in both:
        name = call.channel_name or ""
        record_act("transaction.viewed", call.correlation_id, name, reason=form.values["reason"])
    return _page(both, is_open=True)


def _both(
    session: Session, one: uuid.UUID, other: uuid.UUID
) -> tuple[tuple[Transaction, Transaction], bool]:
    """Both calls, and whether the channel of one asks for a reason. Raises UnknownRecord."""
    both = existing(session, Transaction, one), existing(session, Transaction, other)
    for call in both:
        reach.check_views(call)
    return both, asks_reason(session, *both)


def _offer(correlation_id: uuid.UUID) -> str:
    call, others = read(lambda session: _others(session, correlation_id))
    return render_template("pages/compare_with.html", call=call, others=others)


def _others(
    session: Session, correlation_id: uuid.UUID
) -> tuple[Transaction, Sequence[Transaction]]:
    """Those that make it again, or that it makes again; then the newest ones of its channel."""
    call, key = existing(session, Transaction, correlation_id), Transaction.correlation_id
    reach.check_views(call)
    kin = or_(Transaction.parent_id == correlation_id, key == call.parent_id)
    like = Transaction.channel_name == call.channel_name
    found: dict[uuid.UUID, Transaction] = {}
    for condition in (kin, like):
        query = summaries(reach.viewing()).where(condition, key != correlation_id)
        newest = session.scalars(query.order_by(key.desc()).limit(_MOST_OFFERED))
        found |= {one.correlation_id: one for one in newest}
    return call, list(found.values())


def _page(both: tuple[Transaction, Transaction], *, is_open: bool, form: Form | None = None) -> str:
    parts = [Part(_("The calls"), named(*map(_facts, both)))]
    if is_open:
        parts += _headers_and_bodies(*both)
    return render_template(
        "pages/compare.html",
        both=both,
        parts=parts,
        is_open=is_open,
        sees_bodies=all(map(reach.sees_bodies, both)),
        form=form or Form(),
    )


def _facts(call: Transaction) -> dict[str, Any]:
    facts = {_(label): getattr(call, name) for label, name in _FACTS.items()}
    took = {_(label): getattr(call, name) for label, name in _DURATIONS.items()}
    shown = {label: None if ms is None else duration(ms) for label, ms in took.items()}
    status = {_("Status"): word(call.status)}
    return {**facts, **status, _("Error"): reach.error_in_words(call), **shown}


def _headers_and_bodies(left: Transaction, right: Transaction) -> list[Part]:
    parts = []
    for side, (of_headers, of_body) in _SIDES.items():
        headers, body = f"{side}_headers", f"{side}_body"
        ours, theirs = (readable_headers(getattr(one, headers)) or {} for one in (left, right))
        parts.append(Part(_(of_headers), named(ours, theirs)))
        texts = (getattr(one, body) or "" for one in (left, right))
        parts.append(Part(_(of_body), lines(*texts)))
    return parts
