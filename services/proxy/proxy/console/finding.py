"""What the gateway has of a term, by kind: see `common.console.finding`."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlencode

from common.console.finding import MOST_HITS, Hit, Term
from common.console.presenting import word
from common.texts import _
from flask import url_for
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from proxy.console import reach
from proxy.models import Channel, Client, Mediator, Rejection, Transaction
from proxy.record.transactions import ids_named, summaries
from proxy.registry.patterns import compile_pattern

#: Channels whose patterns are asked for a path.
_MOST_CHANNELS = 2_000
_PATH = re.compile(r"(?:(?P<method>[A-Za-z]{1,32})\s+)?(?P<path>/\S*)")


class AskedPath(NamedTuple):
    """A path, and a method where one was typed before it."""

    path: str
    method: str | None


def path_of(term: Term) -> AskedPath | None:
    """The path that a term is. Pure."""
    found = _PATH.fullmatch(term.text)
    return AskedPath(found["path"], (found["method"] or "").upper() or None) if found else None


def is_id(term: Term) -> bool:
    """Whether it can only be an id of ours."""
    return ids_named(term.text) is not None


def hits_of(session: Session, term: Term) -> Iterator[Hit]:
    """The records that a term names, without calls that only mention it."""
    if is_id(term):
        yield from _with_id(session, term)
        return
    asked = path_of(term)
    if asked is not None:
        yield from _taking(session, asked)
        return
    yield from (_client(one) for one in session.scalars(_called(Client, term, "client_id", "name")))
    yield from (_channel(one) for one in session.scalars(_called(Channel, term, "name")))
    yield from (_mediator(one) for one in session.scalars(_called(Mediator, term, "urn", "name")))


def call_hit(call: Transaction) -> Hit:
    """A call as it is found."""
    own = call.correlation_id
    return Hit(
        _("Call"),
        f"{call.request_method} {call.request_url}",
        url_for("console.transaction", correlation_id=own),
        f"{word(call.status)}, {call.client_name}",
        call.started_at,
        [(_("Timeline"), url_for("console.timeline", correlation_id=own))],
    )


def _called(model: type, term: Term, *names: str) -> Select:  # type: ignore[type-arg]
    columns = [getattr(model, name) for name in names]
    named = or_(*(column.icontains(term.text, autoescape=True) for column in columns))
    return select(model).where(named).order_by(columns[0]).limit(MOST_HITS)


def _with_id(session: Session, term: Term) -> Iterator[Hit]:
    span = ids_named(term.text)
    assert span is not None
    calls = summaries(reach.viewing()).where(Transaction.correlation_id.between(*span))
    for call in session.scalars(calls.limit(MOST_HITS)):
        yield call_hit(call)
    if reach.own().view is not None:  # rejections are of no channel
        return
    rejected = select(Rejection).where(Rejection.correlation_id.between(*span))
    for one in session.scalars(rejected.limit(MOST_HITS)):
        at = f"{url_for('console.rejections')}#rejection-{one.correlation_id}"
        name = f"{one.request_method} {one.request_path}"
        yield Hit(_("Rejected"), name, at, word(one.reason), one.rejected_at)


def _taking(session: Session, asked: AskedPath) -> Iterator[Hit]:
    """The channels that take a path or what lies below it."""
    channels = select(Channel).order_by(Channel.priority, Channel.name).limit(_MOST_CHANNELS)
    below = f"{asked.path.rstrip('/')}/"
    found = 0
    for channel in session.scalars(channels):
        takes = compile_pattern(channel.path_pattern).matches
        if found < MOST_HITS and (takes(asked.path) or takes(below)):
            found += 1
            yield _channel(channel, asked.method)


def _calls(method: str | None = None, **filters: str) -> list[tuple[str, str]]:
    """The lists of calls that lie behind a record."""
    listed = url_for("console.transactions")
    given = {**filters, **({"method": method} if method else {})}
    failed = urlencode({**given, "status": "failed"})
    own = _("Its %(method)s calls", method=method) if method else _("Its calls")
    bad = _("Failed %(method)s calls", method=method) if method else _("Failed calls")
    return [(own, f"{listed}?{urlencode(given)}"), (bad, f"{listed}?{failed}")]


def _client(one: Client) -> Hit:
    at = url_for("console.client", client_pk=one.id)
    return Hit(_("Client"), one.client_id, at, one.name, more=_calls(client=one.client_id))


def _channel(one: Channel, method: str | None = None) -> Hit:
    at = url_for("console.channel", channel_id=one.id)
    versions = (_("Versions"), url_for("console.channel_versions", channel_id=one.id))
    more = [*_calls(method, channel=one.name), versions]
    return Hit(_("Channel"), one.name, at, one.path_pattern, more=more)


def _mediator(one: Mediator) -> Hit:
    at = url_for("console.mediator", mediator_id=one.id)
    return Hit(_("Mediator"), one.name, at, one.urn, more=_calls(mediator=one.urn))
