"""The mediator's vocabulary, events, templates, rules and preferences."""

import uuid
from collections import defaultdict
from typing import Any

from common.importing.bring import Records, Saved, table_of
from common.importing.loading import DOES_NOT_FIT, loaded, why
from common.importing.report import LeftOut
from common.importing.source import Row, Source, SourceTable
from sqlalchemy import select
from sqlalchemy.orm import Session

from notification.catalogue import events as event_acts
from notification.catalogue import preferences as preference_acts
from notification.catalogue import rules as rule_acts
from notification.catalogue import templates as template_acts
from notification.django_mediator import tables
from notification.django_mediator.codes import Codes, meant
from notification.emit.render import why_unusable
from notification.models import (
    ActorType,
    Channel,
    ChannelCode,
    Event,
    Lookup,
    MessageStatus,
    Module,
    Preference,
    Priority,
    Rule,
    Status,
    Template,
)
from notification.models.catalogue import ALL
from notification.schemas.catalogue import EventIn
from notification.schemas.fields import Code
from notification.schemas.preferences import PreferenceIn
from notification.schemas.templates import TemplateIn

_KEPT = "was here already and stays as it is here"
_MOST_WEIGHT = 32_767


def vocabularies() -> list[Records]:
    """How the five vocabularies come over; what they say of a code that is here holds from then."""
    return [
        _vocabulary("module", tables.MODULES, Module),
        _vocabulary("channel", tables.CHANNELS, Channel, frozenset(ChannelCode)),
        _vocabulary("status", tables.STATUSES, Status, frozenset(MessageStatus)),
        _vocabulary("priority", tables.PRIORITIES, Priority),
        _vocabulary("actor type", tables.ACTOR_TYPES, ActorType),
    ]


def _vocabulary(
    kind: str, table: SourceTable, model: type[Any], codes: frozenset[str] | None = None
) -> Records:
    def save(session: Session, row: Row, _ready: None, _before: uuid.UUID | None) -> Saved:
        if codes is not None and row["code"] not in codes:
            raise LeftOut(f"Kiungo has no such {kind}")
        found = session.scalar(select(model).where(model.code == row["code"]))
        entry: Lookup = found or model(code=_code(row["code"]))
        entry.name = (row["name"] or row["code"])[:255]
        entry.is_active = row["is_active"] is not False
        if isinstance(entry, Priority):
            entry.weight = max(-_MOST_WEIGHT, min(_MOST_WEIGHT, row["weight"] or 0))
        session.add(entry)
        session.flush()
        return Saved(uuid.UUID(int=entry.id), found is None)

    return Records(kind, table, table_of(model), save, lambda row: str(row["code"]))


def _code(text: str | None) -> str:
    try:
        return str(Code(required=True).deserialize(text))
    except ValueError as exc:
        raise LeftOut(f"its code is none here: {exc}") from exc


def events(codes: Codes) -> Records:
    """How events come over; one that every installation begins with is changed to what it was."""

    def save(session: Session, row: Row, _ready: None, _before: uuid.UUID | None) -> Saved:
        given = {name: row[name] for name in ("code", "description", "is_active")}
        given["module"] = meant(codes.modules, row["module_id"], "module")
        fields = loaded(EventIn(only=tuple(given)), given)
        known = session.scalar(select(Event.id).where(Event.code == fields["code"]))
        try:
            if known is not None:
                event_acts.change_event(session, fields["code"], fields)
                return Saved(known, False)
            return Saved(event_acts.create_event(session, fields).id, True)
        except DOES_NOT_FIT as exc:
            raise LeftOut(why(exc)) from exc

    return Records("event", tables.EVENTS, table_of(Event), save, lambda row: str(row["code"]))


def templates(codes: Codes) -> Records:
    """How templates come over, with their versions; words changed there are a new version here."""

    def save(session: Session, row: Row, _ready: None, before: uuid.UUID | None) -> Saved:
        given = {
            name: row[name] for name in ("event_code", "language", "subject", "body", "is_active")
        }
        given["channel"] = codes.channel(row["channel_id"]).value
        fields = loaded(TemplateIn(), given)
        try:
            template = session.get(Template, before) if before else None
            if template is not None:
                return _changed_template(session, template, fields)
            return _added_template(session, fields, row["version"] or 1)
        except DOES_NOT_FIT as exc:
            raise LeftOut(why(exc)) from exc

    def name(row: Row) -> str:
        return f"{row['event_code']} {row['language']} {row['version']} ({row['id']})"

    return Records("template", tables.TEMPLATES, table_of(Template), save, name)


def _changed_template(session: Session, template: Template, fields: dict[str, Any]) -> Saved:
    changes = {
        name: fields[name]
        for name in ("subject", "body", "is_active")
        if getattr(template, name) != fields[name]
    }
    return Saved(template_acts.change_template(session, template.id, changes).id, False)


def _added_template(session: Session, fields: dict[str, Any], version: int) -> Saved:
    for name in template_acts.WORDS:
        reason = why_unusable(fields[name])
        if reason:
            raise LeftOut(f"{name}: {reason}")
    if session.scalar(select(Event.id).where(Event.code == fields["event_code"])) is None:
        raise LeftOut("its event did not come over")
    names = ("event_code", "channel", "language")
    same = [getattr(Template, name) == fields[name] for name in names]
    known = session.scalar(select(Template.id).where(*same, Template.version == version))
    if known is not None:
        return Saved(known, False, _KEPT)
    template = Template(**fields, version=version)
    session.add(template)
    session.flush()
    return Saved(template.id, True)


def rules(source: Source, codes: Codes) -> Records:
    """How rules come over, with their channels; channels that Kiungo has not are left behind."""
    channels: dict[int, list[str]] = defaultdict(list)
    for row in source.rows(tables.RULE_CHANNELS):
        channels[row["event_rule_id"]].append(codes.channels.get(row["channel_id"], "?"))

    def save(session: Session, row: Row, _ready: None, before: uuid.UUID | None) -> Saved:
        ours = [ChannelCode(one) for one in row["channels"] if one in set(ChannelCode)]
        others = sorted(set(row["channels"]) - set(ChannelCode))
        fields = {
            "event_code": row["event_code"],
            "recipient_policy": row["recipient_policy"] or ALL,
            "priority": meant(codes.priorities, row["priority_id"], "priority"),
            "is_active": row["is_active"] is not False,
            "channels": ours,
        }
        notes = [f"without its channels {', '.join(others)}"] if others else []
        notes += [] if row["recipient_policy"] else ["its empty recipient_policy is ALL here"]
        note = "; ".join(notes)
        try:
            if before is not None and session.get(Rule, before) is not None:
                rule_acts.change_rule(session, before, fields)
                return Saved(before, False, note)
            return Saved(rule_acts.create_rule(session, fields).id, True, note)
        except DOES_NOT_FIT as exc:
            raise LeftOut(why(exc)) from exc

    return Records(
        kind="rule",
        table=tables.RULES,
        into=table_of(Rule),
        save=save,
        name=lambda row: f"{row['event_code']} ({row['id']})",
        whole=lambda row: {**row, "channels": sorted(channels[row["id"]])},
    )


def preferences(codes: Codes) -> Records:
    """How preferences come over; what a person has said here already stays."""

    def save(session: Session, row: Row, _ready: None, before: uuid.UUID | None) -> Saved:
        names = ("allow_sms", "allow_email", "allow_in_app", "preferred_lang")
        changes = loaded(PreferenceIn(), {name: row[name] or None for name in names})
        changes |= {name: bool(row[name]) for name in names if name.startswith("allow")}
        actor_type = meant(codes.actor_types, row["actor_type_id"], "actor type")
        person = (str(row["user_id"]), actor_type)
        is_theirs = (Preference.user_id == person[0], Preference.actor_type == actor_type)
        known = session.scalar(select(Preference.id).where(*is_theirs))
        if known is not None and before is None:
            return Saved(known, False, _KEPT)
        try:
            changed = preference_acts.change_preference(session, actor_type, person[0], changes)
        except DOES_NOT_FIT as exc:
            raise LeftOut(why(exc)) from exc
        return Saved(changed.id, known is None)

    return Records(
        kind="preference",
        table=tables.PREFERENCES,
        into=table_of(Preference),
        save=save,
        name=lambda row: str(row["id"]),
    )
