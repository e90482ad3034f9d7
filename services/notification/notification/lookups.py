"""The vocabulary, and what of it is in use."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from notification.errors import UnknownCode
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
