"""The document: which members of which records stand in it, and how.

    {"kiungo_metadata": 1, "mediators": [{"urn": …}], "channels": […], "clients": […],
     "registrations": […], "staff": […]}

Records are named by what people call them, never by ids, and stand in that order. What the API
neither takes nor answers in clear is not in it: passwords, secrets, keys, hashes, tokens. Members
are those of the API's schemas, so one that is added there is exported.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma
from common.errors import Invalid
from common.texts import _
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.models import Channel, Client, ExternalSystemRegistration, Mediator, StaffUser
from proxy.registry.mediator_config import hide, is_secret, reveal
from proxy.schemas.channels import ChannelIn, ChannelOut
from proxy.schemas.clients import ClientIn, ClientOut
from proxy.schemas.mediators import MediatorIn, MediatorOut
from proxy.schemas.registrations import RegistrationIn, RegistrationOut
from proxy.schemas.staff import StaffIn, StaffOut

VERSION = 1
MARK = "kiungo_metadata"

Document = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of record: its list's name, its members, and what names a record of it."""

    name: str
    model: type[Any]
    takes: type[ma.Schema]
    answers: type[ma.Schema]
    key: Callable[[Document], str]

    @property
    def members(self) -> list[str]:
        """What the API takes and answers."""
        taken = self.takes().fields
        return [
            name
            for name, one in self.answers().fields.items()
            if name in taken and not taken[name].load_only
        ]


@dataclass(frozen=True)
class References:
    """What records are called that others lead to, and back."""

    urns: dict[str, str] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session) -> "References":
        """All of them as stored."""
        mediators = session.execute(select(Mediator.id, Mediator.urn))
        channels = session.execute(select(Channel.id, Channel.name))
        return cls(
            {str(one): urn for one, urn in mediators}, {str(one): name for one, name in channels}
        )


def _registration_key(document: Document) -> str:
    """As text: an organization within a channel, or for all channels."""
    organization = str(document.get("organization", "")).strip().casefold()
    channel = document.get("channel")
    return f"{organization} for {channel}" if channel else organization


def _named(member: str) -> Callable[[Document], str]:
    return lambda document: str(document.get(member, "")).strip()


#: In the order in which they are applied: what others lead to comes first.
KINDS = (
    Kind("mediators", Mediator, MediatorIn, MediatorOut, _named("urn")),
    Kind("channels", Channel, ChannelIn, ChannelOut, _named("name")),
    Kind("clients", Client, ClientIn, ClientOut, _named("client_id")),
    Kind(
        "registrations",
        ExternalSystemRegistration,
        RegistrationIn,
        RegistrationOut,
        _registration_key,
    ),
    Kind("staff", StaffUser, StaffIn, StaffOut, _named("username")),
)


def export_all(session: Session) -> Document:
    """The document of everything that is stored."""
    names = References.of(session)
    return {MARK: VERSION} | {
        kind.name: sorted(
            (exported(kind, one, names) for one in session.scalars(select(kind.model))),
            key=kind.key,
        )
        for kind in KINDS
    }


def as_text(document: Document) -> str:
    """The document as it is kept: readable, and the same for the same records."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def exported(kind: Kind, record: Any, names: References) -> Document:
    """A record, or what the API would take for one, as it stands in the document."""
    members: Any = kind.members
    if isinstance(record, Mapping):
        members = [name for name in members if name in record]
    # Whether a mediator answers now is not what is wanted of it.
    own = {"is_online"} if kind.model is Mediator else set()
    found = kind.answers(only=[name for name in members if name not in own]).dump(record)
    found |= {name: _value(record, name) for name in own if name in members}
    return _ordered(members, _without_ids(_without_secrets(found), names))


def _value(record: Any, name: str) -> Any:
    return record[name] if isinstance(record, Mapping) else getattr(record, name)


def _ordered(members: list[str], found: Document) -> Document:
    first = [name for name in members if name in found]
    return {name: found[name] for name in [*first, *found.keys() - set(first)]}


def _without_secrets(found: Document) -> Document:
    """Blank where a mediator's passwords stand, and credentials without their secret."""
    for name in ("config", "default_channels"):
        if name in found:
            found[name] = _blank(found[name], found.get("config_defs", []))
    if found.get("credentials"):
        found["credentials"] = _shown(found["credentials"])
    for route in found.get("routes", ()):
        route["credentials"] = route["credentials"] and _shown(route["credentials"])
    return found


def _blank(document: Any, definitions: Any) -> Any:
    return reveal(hide(reveal(document, {}), definitions, {}).document, {})


def blanks(document: Any, name: str = "") -> bool:
    """Whether a password is blank in a configuration."""
    if isinstance(document, dict):
        return any(blanks(value, key) for key, value in document.items())
    if isinstance(document, list):
        return any(blanks(value, name) for value in document)
    return document == "" and is_secret({}, name)


def _shown(credentials: Document) -> Document:
    return {"kind": credentials["kind"], "name": credentials["name"]}


def _without_ids(found: Document, names: References) -> Document:
    if "mediator_id" in found:
        found["mediator"] = names.urns.get(str(found.pop("mediator_id")))
    if "channel_id" in found:
        found["channel"] = names.channels.get(str(found.pop("channel_id")))
    for route in found.get("routes", ()):
        route["mediator"] = names.urns.get(str(route.pop("mediator_id")))
    return found


def checked(found: Any) -> dict[str, list[Document]]:
    """The records of a document by kind, those that it names. Raises Invalid."""
    if not isinstance(found, dict) or found.get(MARK) != VERSION:
        raise Invalid(
            _(
                "This is no export of Kiungo: %(mark)s is not %(version)s",
                mark=MARK,
                version=VERSION,
            ),
            {MARK: ["Missing."]},
        )
    known = {kind.name for kind in KINDS}
    unknown = sorted(found.keys() - known - {MARK})
    if unknown:
        raise Invalid(
            _("%(name)s: not known here", name=unknown[0][:60]),
            {unknown[0][:60]: [_("Not known here.")]},
        )
    for name in known & found.keys():
        if not isinstance(found[name], list) or not all(
            isinstance(one, dict) for one in found[name]
        ):
            raise Invalid(
                _("%(name)s: must be a list of objects", name=name), {name: [_("Must be objects.")]}
            )
    return {name: found[name] for name in known & found.keys()}
