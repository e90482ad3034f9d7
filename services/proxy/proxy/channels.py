"""Channels are opened, changed and closed; each must fit its mediator."""

import uuid
from collections.abc import Mapping
from typing import Any

from common.errors import Invalid
from common.json_schemas import check_schema
from sqlalchemy.orm import Session

from proxy.endpoints import check_endpoint, why_type_does_not_fit
from proxy.gateway.matching import compile_pattern
from proxy.models import Channel, ChannelType, Mediator
from proxy.records import apply, locked


def create_channel(session: Session, given: Mapping[str, Any]) -> Channel:
    """A new channel. Raises Invalid (BadPattern among them) naming the field."""
    channel = Channel(**given)
    channel.mediator = _mediator(session, given["mediator_id"])
    _check(given, given.get("channel_type", ChannelType.HTTP), channel.mediator)
    session.add(channel)
    session.flush()
    return channel


def update_channel(session: Session, channel_id: uuid.UUID, changes: Mapping[str, Any]) -> Channel:
    """Change a channel. Raises UnknownRecord, Invalid."""
    channel = locked(session, Channel, channel_id)
    mediator = channel.mediator
    if "mediator_id" in changes:
        mediator = _mediator(session, changes["mediator_id"])
    _check(changes, changes.get("channel_type", channel.channel_type), mediator)
    apply(channel, changes)
    channel.mediator = mediator
    session.flush()
    return channel


def delete_channel(session: Session, channel_id: uuid.UUID) -> None:
    """Close a channel for good, with its registrations; its transactions keep its name."""
    session.delete(locked(session, Channel, channel_id))
    session.flush()


def _mediator(session: Session, mediator_id: uuid.UUID) -> Mediator:
    mediator = session.get(Mediator, mediator_id, with_for_update={"read": True})
    if mediator is None:
        raise Invalid("No such mediator", {"mediator_id": ["No such mediator"]})
    return mediator


def _check(values: Mapping[str, Any], channel_type: ChannelType, mediator: Mediator) -> None:
    if "path_pattern" in values:
        compile_pattern(values["path_pattern"])
    if values.get("request_body_schema") is not None:
        check_schema("request_body_schema", values["request_body_schema"])
    reason = why_type_does_not_fit(channel_type, check_endpoint(mediator.endpoint_url))
    if reason:
        raise Invalid(f"channel_type: {reason}", {"channel_type": [reason]})
