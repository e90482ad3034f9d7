"""The mediator's mediators, channels and ESB registrations."""

import re
import uuid
from typing import Any

from common.clock import utc_now
from common.importing.bring import Records, Saved, Target, table_of
from common.importing.loading import DOES_NOT_FIT, loaded, reference, why
from common.importing.report import LeftOut
from common.importing.source import Row
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.django_mediator.tables import CHANNELS, MEDIATORS, REGISTRATIONS
from proxy.models import Channel, ChannelType, ExternalSystemRegistration, Mediator
from proxy.record.sealing import Sealer
from proxy.registry import channels as channel_acts
from proxy.registry import mediators as mediator_acts
from proxy.registry import registrations as registration_acts
from proxy.registry.endpoints import fitting_type
from proxy.registry.patterns import compile_pattern
from proxy.registry.versions import semantic_version
from proxy.schemas.channels import ChannelIn
from proxy.schemas.mediators import MediatorIn
from proxy.schemas.registrations import RegistrationIn

_KEPT = "was here already and stays as it is here"


def pattern_of(text: str) -> str:
    """The mediator's pattern in our words: with its slash, and a final star means "begins with"."""
    pattern = text if text.startswith("/") else f"/{text}"
    if not pattern.endswith("*"):
        return pattern if "*" not in pattern else f"^{re.escape(pattern)}$"
    start = pattern[:-1]
    return pattern if start.endswith("/") and "*" not in start else f"^{re.escape(start)}"


def mediators(sealer: Sealer) -> Records:
    """How mediators come over."""

    def save(session: Session, row: Row, _ready: None, before: uuid.UUID | None) -> Saved:
        return _save_mediator(session, sealer, row, before)

    return Records(
        kind="mediator",
        table=MEDIATORS,
        into=table_of(Mediator),
        save=save,
        name=lambda row: str(row["urn"]),
    )


def _save_mediator(session: Session, sealer: Sealer, row: Row, before: uuid.UUID | None) -> Saved:
    version = semantic_version(row["version"] or "")
    given = {**_some(row, "name", "urn", "endpoint_url", "is_online"), "version": version}
    fields = loaded(MediatorIn(), given)
    note = "" if version == row["version"] else f"version {row['version']!r} is {version} here"
    try:
        if before is not None and session.get(Mediator, before) is not None:
            mediator_acts.update_mediator(session, sealer, before, fields, utc_now())
            return Saved(before, False, note)
        known = session.scalar(select(Mediator.id).where(Mediator.urn == fields["urn"]))
        if known is not None:
            return Saved(known, False, _KEPT)
        return Saved(mediator_acts.register(session, sealer, fields).mediator.id, True, note)
    except DOES_NOT_FIT as exc:
        raise LeftOut(why(exc)) from exc


def channels(target: Target) -> Records:
    """How channels come over, after their mediators."""

    def save(session: Session, row: Row, _ready: None, before: uuid.UUID | None) -> Saved:
        mediator_id = reference(target.ids(session, "mediator"), row["mediator_id"], "mediator")
        try:
            fields, note = _channel_fields(session, row, mediator_id)
            if before is not None and session.get(Channel, before) is not None:
                channel_acts.update_channel(session, before, fields)
                return Saved(before, False, note)
            known = session.scalar(select(Channel.id).where(Channel.name == fields["name"]))
            if known is not None:
                return Saved(known, False, _KEPT)
            return Saved(channel_acts.create_channel(session, fields).id, True, note)
        except DOES_NOT_FIT as exc:
            raise LeftOut(why(exc)) from exc

    return Records(
        kind="channel",
        table=CHANNELS,
        into=table_of(Channel),
        save=save,
        name=lambda row: str(row["name"]),
    )


_CHANNEL = (
    "name",
    "description",
    "methods",
    "requires_request_body",
    "request_content_type",
    "request_body_example",
    "request_body_schema",
    "is_active",
)


def _channel_fields(
    session: Session, row: Row, mediator_id: uuid.UUID
) -> tuple[dict[str, Any], str]:
    """What is saved of a channel, and a note where it is otherwise than it was. Raises LeftOut."""
    mediator = session.get_one(Mediator, mediator_id)
    kind, notes = _channel_type(row["channel_type"] or "http", mediator.endpoint_url)
    pattern = pattern_of(row["path_pattern"] or "")
    if pattern != row["path_pattern"]:
        notes.append(f"pattern {row['path_pattern']!r} is {pattern!r} here")
    given = {
        **_some(row, *_CHANNEL),
        "path_pattern": pattern,
        "channel_type": kind.value,
        "priority": max(1, row["priority"] or 1),
        "mediator_id": str(mediator_id),
    }
    fields = loaded(ChannelIn(only=tuple(given)), given)
    compile_pattern(fields["path_pattern"])
    return fields, "; ".join(notes)


def _channel_type(text: str, endpoint_url: str) -> tuple[ChannelType, list[str]]:
    """The channel's type where it can speak to its endpoint, else the one that can.

    The mediator spoke HTTP to every endpoint, whatever the type said. Raises Invalid.
    """
    kind = ChannelType(text) if text in set(ChannelType) else ChannelType.HTTP
    fitting = fitting_type(kind, endpoint_url)
    return fitting, [] if fitting is kind else [f"type {kind} is {fitting} here, as its endpoint"]


def registrations(target: Target) -> Records:
    """How ESB registrations come over, after their channels."""

    def save(session: Session, row: Row, _ready: None, before: uuid.UUID | None) -> Saved:
        channel_id = None
        if row["channel_id"] is not None:
            channel_id = reference(target.ids(session, "channel"), row["channel_id"], "channel")
        given = _some(row, "organization", "api_code", "push_code", "is_active")
        fields = {**loaded(RegistrationIn(), given), "channel_id": channel_id}
        del fields["allow"]  # the mediator knew no such list; what was set here stays
        try:
            return _saved_registration(session, fields, before)
        except DOES_NOT_FIT as exc:
            raise LeftOut(why(exc)) from exc

    return Records(
        kind="registration",
        table=REGISTRATIONS,
        into=table_of(ExternalSystemRegistration),
        save=save,
        name=lambda row: str(row["organization"]),
    )


def _saved_registration(
    session: Session, fields: dict[str, Any], before: uuid.UUID | None
) -> Saved:
    model = ExternalSystemRegistration
    if before is not None and session.get(model, before) is not None:
        registration_acts.update_registration(session, before, fields)
        return Saved(before, False)
    key = registration_acts.organization_key(fields["organization"])
    known = session.scalar(
        select(model.id).where(
            model.organization_key == key,
            model.channel_id.is_not_distinct_from(fields["channel_id"]),
        )
    )
    if known is not None:
        return Saved(known, False, _KEPT)
    made = registration_acts.create_registration(session, {**fields, "allow": None})
    return Saved(made.id, True)


def _some(row: Row, *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}
