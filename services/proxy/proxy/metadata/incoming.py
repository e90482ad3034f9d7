"""A record of the document becomes what the API takes: names become ids, secrets those here."""

import uuid
from collections.abc import Mapping
from typing import Any

from common.importing.report import LeftOut
from common.texts import _
from marshmallow import ValidationError

from proxy.metadata.documents import Document, Kind, References
from proxy.models import Mediator
from proxy.record.masks import MASK
from proxy.registry.mediator_config import with_masks_kept
from proxy.registry.versions import Version

#: What a mediator says of itself: that of a higher version here stays.
_SELF_SAID = frozenset({"version", "endpoints", "config_defs", "default_channels"})


def incoming(
    kind: Kind, document: Document, record: Any, names: References, notes: list[str]
) -> dict[str, Any]:
    """What the API's schema makes of it; `record` is the one here. Raises LeftOut, ValidationError.

    What cannot be as the document says, because a secret is missing, is noted.
    """
    given = _with_ids(dict(document), names)
    if kind.model is Mediator:
        given = _of_mediator(given, record, notes)
    if "credentials" in given:
        kept = record.credentials if record is not None else None
        given["credentials"] = _settled(given["credentials"], kept, "its credentials", notes)
    if "routes" in given:
        given["routes"] = _of_routes(given["routes"], record, notes)
    unknown = sorted(given.keys() - set(kind.members))
    if unknown:
        raise LeftOut(f"{unknown[0][:60]}: not known here")
    schema = kind.takes(only=kind.members)
    loaded: dict[str, Any] = schema.load(given, partial=record is not None)
    return loaded


def _with_ids(given: Document, names: References) -> Document:
    if "mediator" in given:
        given["mediator_id"] = _id_of(given.pop("mediator"), names.urns, "mediator")
    if "channel" in given:
        name = given.pop("channel")
        given["channel_id"] = None if name is None else _id_of(name, names.channels, "channel")
    if "routes" in given:
        given["routes"] = [_route_with_id(one, names) for one in _objects(given["routes"])]
    return given


def _route_with_id(route: Document, names: References) -> Document:
    kept = {name: value for name, value in route.items() if name != "mediator"}
    urn = route.get("mediator")
    return {**kept, "mediator_id": None if urn is None else _id_of(urn, names.urns, "mediator")}


def _objects(found: Any) -> list[Document]:
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValidationError({"routes": [_("Must be a list of objects.")]})
    return found


def _id_of(name: Any, names: Mapping[str, str], what: str) -> str:
    found = next((one for one, known in names.items() if known == name), None)
    if found is None:
        raise LeftOut(f"there is no {what} {str(name)[:100]}")
    return str(uuid.UUID(found))


def _of_mediator(given: Document, record: Any, notes: list[str]) -> Document:
    """What stays as it is here: passwords, what a higher version said, a certificate's key."""
    here = {} if record is None else record.config
    if isinstance(given.get("config"), dict):
        given["config"] = with_masks_kept(given["config"], here)
    if isinstance(given.get("default_channels"), list) and record is not None:
        kept = with_masks_kept(given["default_channels"], record.default_channels)
        given["default_channels"] = kept
    if record is not None and _is_lower(given.get("version"), record.version):
        notes.append(f"is here with version {record.version}: what that says of itself stays")
        given = {name: value for name, value in given.items() if name not in _SELF_SAID}
    has_key = record is not None and record.has_client_key
    if given.get("client_certificate") and not has_key:
        notes.append("its client certificate needs its key: set both")
        del given["client_certificate"]
    return given


def _is_lower(given: Any, here: str) -> bool:
    try:
        return Version.parse(str(given)) < Version.parse(here)
    except ValueError:
        return False


def _of_routes(routes: list[Document], record: Any, notes: list[str]) -> list[Document]:
    before = {one["name"]: one["credentials"] for one in record.routes} if record else {}
    return [
        {
            **route,
            "credentials": _settled(
                route.get("credentials"),
                before.get(route.get("name")),
                f"the credentials of its route {route.get('name')}",
                notes,
            ),
        }
        for route in routes
    ]


def _settled(given: Any, here: Any, what: str, notes: list[str]) -> Any:
    """Credentials with the secret that is here; without one they cannot be shown to anybody."""
    if not isinstance(given, dict):
        return given
    if here is not None and here["kind"] == given.get("kind"):
        return {**given, "secret": MASK}
    notes.append(f"{what} need a secret: set them")
    return None
