"""The vocabulary, and what of it is in use."""

from collections.abc import Mapping
from typing import Any

from common.errors import Invalid
from common.texts import N_, _
from sqlalchemy import select
from sqlalchemy.orm import Session

from notification.errors import UnknownCode, UnknownRecord, VocabularyClosed
from notification.models import (
    ActorType,
    Channel,
    ChannelCode,
    Event,
    Lookup,
    Module,
    Priority,
    Status,
)

#: Every vocabulary by its name on the wire.
VOCABULARIES: dict[str, type[Lookup]] = {
    "modules": Module,
    "channels": Channel,
    "statuses": Status,
    "priorities": Priority,
    "actor_types": ActorType,
}


def active_channels(session: Session) -> frozenset[ChannelCode]:
    """The channels that are in use."""
    codes = set(session.scalars(select(Channel.code).where(Channel.is_active)))
    return frozenset(one for one in ChannelCode if one in codes)


def active_actor_types(session: Session) -> frozenset[str]:
    """The codes of the actor types that are in use."""
    return frozenset(session.scalars(select(ActorType.code).where(ActorType.is_active)))


def ranks(session: Session) -> dict[str, int]:
    """Each priority's rank: the lowest is sent first."""
    weights = session.execute(select(Priority.code, Priority.weight))
    return {code: -weight for code, weight in weights}


def check_code(session: Session, model: type[Lookup | Event], field: str, code: str) -> None:
    """Raises UnknownCode, naming `field`, for a code that `model` does not know."""
    if session.scalar(select(model.id).where(model.code == code)) is None:
        raise UnknownCode(field, code)


#: Whose codes are those of this service's own code.
_CLOSED = frozenset({"channels", "statuses"})
USUAL_WEIGHT = 50
_NO_WEIGHT = N_("Only a priority has a weight.")


def vocabulary(kind: str) -> tuple[str, type[Lookup]]:
    """A vocabulary as callers name it: `actor_types`, `actor-type`. Raises UnknownRecord."""
    plain = kind.lower().replace("-", "_")
    for name, model in VOCABULARIES.items():
        if plain in (name, _singular(name)):
            return name, model
    raise UnknownRecord("vocabulary", kind)


def _singular(name: str) -> str:
    return {"priorities": "priority", "statuses": "status"}.get(name, name.removesuffix("s"))


def add_code(session: Session, kind: str, given: Mapping[str, Any]) -> Lookup:
    """A new code; its name is the code where none is given. A taken code breaks its constraint.

    Raises UnknownRecord, VocabularyClosed, Invalid.
    """
    name, model = vocabulary(kind)
    if name in _CLOSED:
        raise VocabularyClosed(name)
    values = {**given, "name": given.get("name") or given["code"]}
    if model is Priority:
        values.setdefault("weight", USUAL_WEIGHT)
    return _saved(session, model(), values)


def change_code(session: Session, kind: str, code: str, changes: Mapping[str, Any]) -> Lookup:
    """Change a code's name, weight, or whether it is in use. Raises UnknownRecord, Invalid."""
    _name, model = vocabulary(kind)
    entry = session.scalar(select(model).where(model.code == code))
    if entry is None:
        raise UnknownRecord("code", code)
    return _saved(session, entry, changes)


def _saved(session: Session, entry: Lookup, values: Mapping[str, Any]) -> Lookup:
    if "weight" in values and not isinstance(entry, Priority):
        raise Invalid(f"weight: {_(_NO_WEIGHT)}", {"weight": [_NO_WEIGHT]})
    for name, value in values.items():
        setattr(entry, name, value)
    session.add(entry)
    session.flush()
    return entry
