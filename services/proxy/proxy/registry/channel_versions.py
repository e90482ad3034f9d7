"""Versions of channels: whoever changes one leaves a version of it in the same transaction."""

import enum
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.audit.actors import current_actor
from common.clock import utc_now
from common.db.database import UtcDateTime
from common.web.paging import Page, bounded, decode_cursor, encode_cursor
from sqlalchemy import ColumnElement, Uuid, delete, event, func, insert, inspect, select
from sqlalchemy.orm import Session, SessionTransaction

from proxy.errors import UnknownRecord
from proxy.models import Channel, ChannelVersion, Mediator
from proxy.record.sealing import Sealer
from proxy.registry.channels import update_channel
from proxy.registry.differences import Change, changes, shown
from proxy.registry.records import existing, locked
from proxy.registry.secondary_routes import opened_routes

#: Of each channel; the oldest go first.
MOST_KEPT = 500
#: No version has a higher number: what is asked for beyond is not there.
HIGHEST = 2_000_000_000
_CHANGED, _ROLLED_BACK = "channels-changed", "channels-rolled-back"

Document = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """A version as people see it: mediators by their urn, nothing secret."""

    number: int
    made_at: datetime
    actor_kind: str
    actor: str
    rolled_back_to: int | None
    #: What is otherwise than in the version before; of the first all of it.
    changes: list[Change]
    document: Document


def document_of(channel: Channel) -> Document:
    """The channel's columns as JSON, but for its id and what says when."""
    return {name: _plain(getattr(channel, name)) for name in _columns()}


def _columns() -> dict[str, ColumnElement[Any]]:
    """Times and counts are no part of a version: they say what happened, not what is wanted."""
    found = {one.key: one.columns[0] for one in inspect(Channel).column_attrs}
    return {
        name: column
        for name, column in found.items()
        if name not in ("id", "revision") and not isinstance(column.type, UtcDateTime)
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, (uuid.UUID, enum.Enum)) else value


def versions_of(
    session: Session, channel_id: uuid.UUID, *, limit: int, cursor: str | None
) -> Page[Version]:
    """A page of versions, newest first. Raises UnknownRecord; Invalid for an unknown cursor."""
    existing(session, Channel, channel_id)
    limit = bounded(limit)
    below = decode_cursor(cursor, ChannelVersion.number) if cursor else None
    found = _newest(session, channel_id, below and min(below, HIGHEST), limit + 1)
    more = len(found) > limit
    return Page(found[:limit], encode_cursor(found[limit - 1].number) if more else None)


def _newest(session: Session, channel_id: uuid.UUID, below: int | None, most: int) -> list[Version]:
    query = select(ChannelVersion).where(ChannelVersion.channel_id == channel_id)
    if below is not None:
        query = query.where(ChannelVersion.number < below)
    # One more: each is told apart from the one before it.
    rows = session.scalars(query.order_by(ChannelVersion.number.desc()).limit(most + 1)).all()
    urns = {str(one): urn for one, urn in session.execute(select(Mediator.id, Mediator.urn))}
    befores = [row.document for row in rows[1:]] + [{}]
    return [_shown(*pair, urns) for pair in zip(rows, befores, strict=True)][:most]


def version_of(session: Session, channel_id: uuid.UUID, number: int) -> Version:
    """One version. Raises UnknownRecord."""
    existing(session, Channel, channel_id)
    found = _newest(session, channel_id, number + 1, 1)
    if not found or found[0].number != number:
        raise UnknownRecord("version")
    return found[0]


def _shown(row: ChannelVersion, before: Document, urns: Mapping[str, str]) -> Version:
    pair = [_with_urns(one, urns) for one in (before, row.document)]
    return Version(
        number=row.number,
        made_at=row.made_at,
        actor_kind=row.actor_kind,
        actor=row.actor,
        rolled_back_to=row.rolled_back_to,
        changes=changes(*pair),
        document=shown(pair[1]),
    )


def _with_urns(document: Document, urns: Mapping[str, str]) -> Document:
    if "mediator_id" not in document:
        return document
    kept = {name: value for name, value in document.items() if name != "mediator_id"}
    named = urns.get(document["mediator_id"], document["mediator_id"])
    return {**kept, "mediator": named}


def roll_back(session: Session, sealer: Sealer, channel_id: uuid.UUID, number: int) -> Channel:
    """Let a channel be as it was in a version: a change like any other, and a version of its own.

    Raises UnknownRecord; Invalid for what does not fit any more.
    """
    locked(session, Channel, channel_id)
    version = session.get(ChannelVersion, (channel_id, number))
    if version is None:
        raise UnknownRecord("version")
    session.info.setdefault(_ROLLED_BACK, {})[channel_id] = number
    return update_channel(session, channel_id, values_of(sealer, version), sealer)


def values_of(sealer: Sealer, version: ChannelVersion) -> dict[str, Any]:
    """What `update_channel` takes to make a channel as it was. Raises Invalid."""
    stored, columns = version.document, _columns()
    values = {name: _typed(columns[name], stored[name]) for name in columns if name in stored}
    values["routes"] = opened_routes(sealer, version.channel_id, stored["routes"])
    return values


def _typed(column: ColumnElement[Any], value: Any) -> Any:
    is_text = isinstance(value, str)
    if is_text and isinstance(column.type, Uuid):
        return uuid.UUID(value)
    kind = getattr(column.type, "enum_class", None)
    return kind(value) if is_text and kind is not None else value


@event.listens_for(Session, "before_flush")
def _note(session: Session, _context: Any, _instances: Any) -> None:
    noted = session.info.setdefault(_CHANGED, [])
    noted += [(row, None) for row in session.new if isinstance(row, Channel)]
    noted += [
        (row, _before(row))
        for row in session.dirty
        if isinstance(row, Channel) and session.is_modified(row)
    ]


def _before(channel: Channel) -> Document:
    """The channel as it was before this flush."""
    found, attributes = document_of(channel), inspect(channel).attrs
    gone = {name: attributes[name].history.deleted for name in found}
    return {**found, **{name: _plain(values[0]) for name, values in gone.items() if values}}


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    rolled_back = session.info.pop(_ROLLED_BACK, {})
    firsts: dict[Channel, Document | None] = {}
    for channel, before in session.info.pop(_CHANGED, ()):
        firsts.setdefault(channel, before)
    for channel, before in firsts.items():
        if inspect(channel).persistent:  # not rolled back to a savepoint, and not deleted since
            _add(session, channel, before, rolled_back.get(channel.id))


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, ended: SessionTransaction) -> None:
    if not ended.nested:
        session.info.pop(_CHANGED, None)
        session.info.pop(_ROLLED_BACK, None)


def _add(
    session: Session, channel: Channel, before: Document | None, rolled_back_to: int | None
) -> None:
    mine = ChannelVersion.channel_id == channel.id
    last = session.scalar(select(func.max(ChannelVersion.number)).where(mine)) or 0
    after = document_of(channel)
    if last == 0 and before is not None:  # it is older than versions are
        session.execute(insert(ChannelVersion).values(_row(channel, 1, before, known=False)))
        last = 1
    elif last and session.get_one(ChannelVersion, (channel.id, last)).document == after:
        return
    row = _row(channel, last + 1, after, rolled_back_to=rolled_back_to)
    session.execute(insert(ChannelVersion).values(row))
    session.execute(delete(ChannelVersion).where(mine, ChannelVersion.number <= last - MOST_KEPT))


def _row(
    channel: Channel,
    number: int,
    document: Document,
    *,
    known: bool = True,
    rolled_back_to: int | None = None,
) -> dict[str, Any]:
    actor = current_actor(()) if known else None
    return {
        "channel_id": channel.id,
        "number": number,
        "made_at": utc_now() if known else channel.created_at,
        "actor_kind": actor.kind if actor else "",
        "actor": actor.name if actor else "",
        "rolled_back_to": rolled_back_to,
        "document": document,
    }
