"""`/admin/mediator/tester/`: a call as a client makes it, from the operator's own browser.

The page's script (`static/tester.js`) makes the call, so that it comes in at the front door. A
typed secret goes there only; without one the script asks for a one-time grant.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import marshmallow as ma
from common.audit.log import record_act
from common.clock import utc_now
from common.console.forms import Form, read_filters, read_form
from common.console.rights import Right
from common.errors import Invalid
from common.ids import lowest_id_at
from common.texts import _
from flask import g, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import null, select
from sqlalchemy.orm import Session

from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.container import container
from proxy.models import Channel, Client, ExternalSystemRegistration, Rejection, Transaction
from proxy.record.as_call import callers_headers
from proxy.record.masks import MASK
from proxy.record.transactions import asks_reason
from proxy.registry.records import existing

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
#: Fields of the form, and what the script sets.
_OF_THE_FORM = frozenset(
    {"authorization", "content-type", "x-client-id", "x-client-secret", "x-organization"}
    | {"x-esb-mode", "x-async", "idempotency-key"}
)
#: A rejection is written a moment after its answer; what is not on record by then never will be.
_WRITTEN_WITHIN = timedelta(seconds=10)


class Chosen(ma.Schema):
    """What the page begins with."""

    channel = ma.fields.UUID()
    client = ma.fields.String()
    #: A call on record that is to be made again in another form.
    call = ma.fields.UUID()


class GrantForm(ma.Schema):
    """Whom a call is made as."""

    client = ma.fields.String(required=True, validate=ma.validate.Length(1, 255))


class Shown(ma.Schema):
    """`later`: the answer itself is wanted, too, once there is one."""

    later = ma.fields.Boolean(load_default=False)


@dataclass(frozen=True)
class Offer:
    """What there is to choose from: values with labels, and organizations of `channel`."""

    channels: Sequence[tuple[uuid.UUID, str]]
    clients: Sequence[tuple[str, str]]
    channel: Channel | None
    organizations: Sequence[str]


@pages.page("/mediator/tester/", Right.GATEWAY_OPERATE)
def tester() -> ResponseReturnValue:
    """The form for a call, filled in for the chosen channel."""
    chosen = read_filters(Chosen()).values
    recorded = _recorded(chosen["call"]) if "call" in chosen else {}
    given = {**recorded, **chosen}
    offer = read(lambda session: _offer(session, given.get("channel")))
    begin = Form.of({**_example(offer.channel), **given})
    return render_template(
        "pages/tester.html", form=begin, offer=offer, methods=_methods(offer.channel)
    )


@pages.act("/mediator/tester/grant/", Right.GATEWAY_OPERATE)
def tester_grant() -> ResponseReturnValue:
    """A grant for one call as a client, in place of its secret."""
    form = read_form(GrantForm())
    if form.errors:
        raise Invalid(_("Choose a client"), dict(form.errors))
    return {"grant": container().grants.issue(form.values["client"], g.staff.name, utc_now())}


@pages.page("/mediator/tester/calls/<uuid:correlation_id>/", Right.GATEWAY_OPERATE)
def tester_call(correlation_id: uuid.UUID) -> ResponseReturnValue:
    """A part of the page: the call on record. It looks again until the call has ended."""
    call, refused, is_closed = read(lambda session: _outcome(session, correlation_id))
    is_later = read_filters(Shown()).values.get("later", False) and not is_closed
    if is_later and call and call.completed_at:
        record_act("transaction.viewed", correlation_id)
    has_ended = call.completed_at is not None if call else _is_settled(correlation_id, utc_now())
    return render_template(
        "pages/tester_call.html",
        correlation_id=correlation_id,
        call=call,
        refused=refused,
        is_later=is_later,
        is_over=refused is not None or has_ended,
    )


def _recorded(correlation_id: uuid.UUID) -> dict[str, Any]:
    """The fields of a call on record, without what the client proves itself with.

    Where its channel asks why bodies are opened, or the role does not see them, its headers and
    its body stay out.
    """
    call, channel_id, is_closed = read(lambda session: _as_made(session, correlation_id))
    path, _, query = call.request_url.partition("?")
    found: dict[str, Any] = {
        "channel": channel_id,
        "client": call.client_name,
        "method": call.request_method,
        "path": path,
        "query": query,
        "organization": call.organization,
        "body": "",
    }
    if is_closed:
        return found
    record_act("transaction.viewed", correlation_id)
    headers = [pair for pair in callers_headers(call) if pair[0].lower() not in _OF_THE_FORM]
    content_type = call.request_headers.get("Content-Type", "")
    lines = [f"{name}: {value}" for name, value in headers if value != MASK]
    body = call.request_body if call.request_body_whole else ""
    return {**found, "content_type": content_type, "headers": "\n".join(lines), "body": body}


def _as_made(
    session: Session, correlation_id: uuid.UUID
) -> tuple[Transaction, uuid.UUID | None, bool]:
    """A call, its channel of today, and whether its body stays closed here."""
    call = existing(session, Transaction, correlation_id)
    reach.check_views(call)
    channel = select(Channel.id).where(Channel.name == call.channel_name, Channel.is_active)
    return call, session.scalar(channel), _is_closed(session, call)


def _outcome(
    session: Session, correlation_id: uuid.UUID
) -> tuple[Transaction | None, Rejection | None, bool]:
    """The call or its rejection, and whether its bodies stay closed here."""
    call = session.get(Transaction, correlation_id)
    is_closed = call is not None and _is_closed(session, call)
    return call, session.get(Rejection, correlation_id), is_closed


def _is_closed(session: Session, call: Transaction) -> bool:
    """Whether bodies are opened with a reason only, or not by who asks."""
    return asks_reason(session, call) or not reach.sees_bodies(call)


def _is_settled(correlation_id: uuid.UUID, now: datetime) -> bool:
    return correlation_id < lowest_id_at(now - _WRITTEN_WITHIN)


def _offer(session: Session, channel_id: uuid.UUID | None) -> Offer:
    called = (Channel.is_active, Channel.listener.is_(null()), Channel.polling.is_(null()))
    active = select(Channel.id, Channel.name).where(*called).order_by(Channel.name)
    clients = select(Client.client_id).where(Client.is_active).order_by(Client.client_id)
    registered = (
        select(ExternalSystemRegistration.organization)
        .where(
            ExternalSystemRegistration.channel_id == channel_id,
            ExternalSystemRegistration.is_active,
        )
        .order_by(ExternalSystemRegistration.organization)
    )
    return Offer(
        channels=[(row.id, row.name) for row in session.execute(active)],
        clients=[(name, name) for name in session.scalars(clients)],
        channel=session.get(Channel, channel_id) if channel_id else None,
        organizations=session.scalars(registered).all(),
    )


def _methods(channel: Channel | None) -> list[tuple[str, str]]:
    own = channel.methods if channel else []
    return [(method, method) for method in dict.fromkeys([*own, *METHODS])]


def _content_type(channel: Channel, has_body: bool) -> str:
    """The media type that the channel takes; of no body none."""
    if not has_body:
        return channel.request_content_type
    return channel.request_content_type or next(
        iter(channel.match_content_types), "application/json"
    )


def _example(channel: Channel | None) -> dict[str, Any]:
    """The fields of a call that `channel` takes; an expression names no path."""
    if channel is None:
        return {"path": "/"}
    pattern, body = channel.path_pattern, channel.request_body_example
    has_body = bool(body) or channel.requires_request_body
    return {
        "method": (channel.methods or ["POST" if has_body else "GET"])[0],
        "path": "/" if pattern.startswith("^") else pattern.removesuffix("*"),
        "content_type": _content_type(channel, has_body),
        "body": body,
    }
