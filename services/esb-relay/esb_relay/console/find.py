"""`/admin/esb/find/` and `/admin/esb/timeline/…/`: exchanges that a term names, or an id."""

from collections.abc import Iterator

from common.console.finding import MOST_HITS, Happened, Hit, Term, add_find, add_timeline
from common.console.presenting import word
from common.texts import _
from flask import url_for
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, defer

from esb_relay.console.blueprint import pages
from esb_relay.console.reading import read
from esb_relay.models import AsyncAnswer, DeliveryStatus, Exchange, ExchangeStatus

_MARKS = {
    ExchangeStatus.SENDING: "busy",
    ExchangeStatus.SUCCEEDED: "good",
    ExchangeStatus.UNKNOWN: "warn",
}
_MOST_HAPPENED = 200


def _hits(session: Session, term: Term) -> Iterator[Hit]:
    named: list[ColumnElement[bool]] = [
        column == term.text
        for column in (Exchange.request_id, Exchange.correlation_id, Exchange.organization)
    ]
    if term.id is not None:
        named += [Exchange.id == term.id, Exchange.correlation_id == str(term.id)]
    found = {one.id: one for part in named for one in _exchanges(session, part, MOST_HITS)}
    for one in list(found.values())[:MOST_HITS]:
        timeline = f"/admin/timeline/{one.correlation_id}/"
        organization = one.organization or _("no organization")
        note = f"{word(one.status)}, {organization}"
        more = [(_("Timeline"), timeline)]
        yield Hit(_("Exchange"), one.code, _page(one), note, one.started_at, more)


def _happened(session: Session, correlation_id: str) -> Iterator[Happened]:
    is_its = Exchange.correlation_id == correlation_id
    for one in _exchanges(session, is_its, _MOST_HAPPENED):
        began = _("Exchange with the bus, %(direction)s", direction=word(one.direction))
        yield Happened(one.started_at, began, _page(one))
        if one.completed_at is not None:
            said = _("The exchange ended")
            ended = f"{said}: {one.error}" if one.error else said
            mark = _MARKS.get(one.status, "bad")
            page = _page(one)
            yield Happened(one.completed_at, ended, page, one.status, mark, one.duration_ms)
    late = select(AsyncAnswer).where(AsyncAnswer.correlation_id == correlation_id)
    for answer in session.scalars(late.options(defer(AsyncAnswer.body)).limit(_MOST_HAPPENED)):
        yield Happened(answer.created_at, _("A late answer waits for the bus"))
        if answer.delivered_at is not None:
            mark = "good" if answer.status is DeliveryStatus.DELIVERED else "bad"
            left = _("The late answer left")
            yield Happened(answer.delivered_at, left, "", answer.status, mark)


def _exchanges(session: Session, named: ColumnElement[bool], limit: int) -> Iterator[Exchange]:
    query = select(Exchange).where(named).order_by(Exchange.id.desc()).limit(limit)
    bodies = defer(Exchange.request_body), defer(Exchange.answer_body)
    yield from session.scalars(query.options(*bodies))


def _page(exchange: Exchange) -> str:
    return url_for("console.exchange", exchange_id=exchange.id)


add_find(pages, lambda term: read(lambda session: list(_hits(session, term))))
add_timeline(pages, lambda known: read(lambda session: list(_happened(session, known))))
