"""Channels are opened, changed and closed; each must fit its mediator."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from common.clock import utc_now
from common.errors import Invalid
from common.ids import new_id
from common.reasons import no_such
from common.web.json_schemas import check_schema
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.models import Channel, ChannelType, Mediator
from proxy.record.indexed_fields import fields_of
from proxy.record.masked_bodies import mask_of
from proxy.record.sealing import Sealer
from proxy.registry.content_match import content_rule
from proxy.registry.endpoints import (
    check_endpoint,
    check_shadow,
    fitting_type,
    why_type_does_not_fit,
)
from proxy.registry.inbound import check_inbound, keep_due_time, values_of
from proxy.registry.patterns import compile_pattern, with_slash
from proxy.registry.records import apply, locked
from proxy.registry.rewriting import rewrite_of
from proxy.registry.secondary_routes import stored_routes


def create_channel(
    session: Session, given: Mapping[str, Any], sealer: Sealer | None = None
) -> Channel:
    """A new channel, with `sealer` also its routes.

    Raises Invalid (BadPattern among them) naming the field.
    """
    channel = Channel(id=new_id())
    apply(channel, _with_routes(session, channel, given, sealer))
    channel.mediator = _mediator(session, given["mediator_id"])
    _check(given, given.get("channel_type", ChannelType.HTTP), channel.mediator)
    check_inbound(session, channel.id, given)
    session.add(channel)
    session.flush()
    keep_due_time(session, channel, {}, utc_now())
    return channel


def update_channel(
    session: Session,
    channel_id: uuid.UUID,
    changes: Mapping[str, Any],
    sealer: Sealer | None = None,
) -> Channel:
    """Change a channel. Raises UnknownRecord, Invalid."""
    channel = locked(session, Channel, channel_id)
    mediator = channel.mediator
    if "mediator_id" in changes:
        mediator = _mediator(session, changes["mediator_id"])
    changes = {**mended(channel), **changes}
    if changes.get("is_active"):  # a pattern that cannot be used may be stored, but not opened
        changes = {"path_pattern": channel.path_pattern, **changes}
    _check(changes, changes.get("channel_type", channel.channel_type), mediator)
    before = values_of(channel, {})
    check_inbound(session, channel_id, values_of(channel, changes))
    apply(channel, _with_routes(session, channel, changes, sealer))
    channel.mediator = mediator
    keep_due_time(session, channel, before, utc_now())
    session.flush()
    return channel


def mended(channel: Channel) -> dict[str, Any]:
    """What makes a row whole that was stored as no API would: lists, slash, type. Pure."""
    wanted = {
        "methods": _listed(channel.methods),
        "path_pattern": with_slash(channel.path_pattern),
        "channel_type": fitting_type(channel.channel_type, channel.mediator.endpoint_url),
    }
    return {name: value for name, value in wanted.items() if value != getattr(channel, name)}


def _listed(methods: Any) -> list[str]:
    several = re.split(r"[\s,]+", methods) if isinstance(methods, str) else methods or []
    return [method.upper() for method in several if method]


def delete_channel(session: Session, channel_id: uuid.UUID) -> None:
    """Close a channel for good, with its registrations; its transactions keep its name."""
    session.delete(locked(session, Channel, channel_id))
    session.flush()


def _with_routes(
    session: Session, channel: Channel, given: Mapping[str, Any], sealer: Sealer | None
) -> dict[str, Any]:
    """What is given, its routes as they are stored."""
    kept = {name: value for name, value in given.items() if name != "routes"}
    if given.get("routes") and sealer is None:
        raise ValueError("routes are only saved with their secrets sealed")
    if "routes" in given and sealer is not None:
        with session.no_autoflush:
            mediators = {str(one.id): one for one in session.scalars(select(Mediator))}
        kept["routes"] = stored_routes(sealer, channel, given["routes"], mediators)
    return kept


def _mediator(session: Session, mediator_id: uuid.UUID) -> Mediator:
    mediator = session.get(Mediator, mediator_id, with_for_update={"read": True})
    if mediator is None:
        raise Invalid(no_such("mediator"), {"mediator_id": [no_such("mediator")]})
    return mediator


def _check(values: Mapping[str, Any], channel_type: ChannelType, mediator: Mediator) -> None:
    check_rules(values)
    reason = why_type_does_not_fit(channel_type, check_endpoint(mediator.endpoint_url))
    if reason:
        raise Invalid(f"channel_type: {reason}", {"channel_type": [reason]})


def check_rules(values: Mapping[str, Any]) -> None:
    """What a channel's pattern, rewriting, rules, fields, schema and other hub must be.

    Raises Invalid (BadPattern among them).
    """
    if values.get("shadow_url"):
        check_shadow(values["shadow_url"])
    if "path_pattern" in values:
        compile_pattern(values["path_pattern"])
    rewrite_of(values.get("rewrite_path", ""), "")
    rewrite_of("", values.get("rewrite_expression", ""))
    content_rule(values.get("match_content_types") or (), values.get("match_body"))
    fields_of(values.get("indexed_fields") or ())
    mask_of(values.get("masked_fields") or ())
    if values.get("request_body_schema") is not None:
        check_schema("request_body_schema", values["request_body_schema"])
