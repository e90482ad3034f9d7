"""What is there for a demonstration: the usual records, or those that DEMO_SEED_* gives."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma
from common.errors import Invalid
from common.settings import SettingError

from proxy.access.scopes import SCOPES
from proxy.registry.channels import check_rules
from proxy.registry.endpoints import check_endpoint
from proxy.schemas.channels import ChannelIn
from proxy.schemas.clients import NewClientIn
from proxy.schemas.mediators import MediatorIn

Records = Sequence[Mapping[str, Any]]

#: The demonstration channel that leads to the bus.
ESB_PATH = "/demo/esb"

_REQUIRED = {
    "DEMO_SEED_CLIENTS_JSON": ("client_id", "name", "client_secret"),
    "DEMO_SEED_MEDIATORS_JSON": ("urn", "name", "endpoint_url"),
    "DEMO_SEED_CHANNELS_JSON": ("name", "path_pattern", "mediator_urn"),
}
_OPTIONAL = {
    "DEMO_SEED_CLIENTS_JSON": ("allowed_ips", "is_active", "scopes", "roles"),
    "DEMO_SEED_MEDIATORS_JSON": ("version", "is_online"),
    "DEMO_SEED_CHANNELS_JSON": tuple(ChannelIn(exclude=("mediator_id",)).fields),
}
#: What new clients may do in a demonstration whose record names no scopes: emit events, as
#: everybody could at the Django mediator.
_USUAL_SCOPES = ("notification:emit",)
_OFF = frozenset({"0", "false", "no", "off"})
_SCHEMAS: dict[str, type[ma.Schema]] = {
    "DEMO_SEED_CLIENTS_JSON": NewClientIn,
    "DEMO_SEED_MEDIATORS_JSON": MediatorIn,
    "DEMO_SEED_CHANNELS_JSON": ChannelIn,
}


@dataclass(frozen=True)
class DemoData:
    """What is to be there after seeding; `request_base_url` heads the sample transactions' URLs."""

    clients: Records = field(repr=False)
    mediators: Records
    channels: Records
    request_base_url: str = ""
    #: Of new clients that name none.
    scopes: Sequence[str] = ()

    def without_scopes(self) -> list[str]:
        """The clients that can call channels, and nothing else."""
        names = (record["client_id"] for record in self.clients if "scopes" not in record)
        return [] if self.scopes else list(names)


def read_demo_data(environ: Mapping[str, str]) -> DemoData:
    """The demonstration data, as `DEMO_SEED_*` overrides it. Raises SettingError."""
    client = environ.get("DEMO_SEED_CLIENT_PREFIX") or "demo"
    mediator = demo_mediator_record(environ, _port(environ.get("DEMO_MEDIATOR_PORT") or "8090"))
    channel = environ.get("DEMO_SEED_CHANNEL_PREFIX") or "Demo"
    usual: dict[str, Callable[[], Records]] = {
        "DEMO_SEED_CLIENTS_JSON": lambda: _clients(client, environ.get("DEMO_CLIENT_SECRET", "")),
        "DEMO_SEED_MEDIATORS_JSON": lambda: [mediator],
        "DEMO_SEED_CHANNELS_JSON": lambda: _channels(channel, mediator["urn"]),
    }
    given = {name: _given(name, environ) or records() for name, records in usual.items()}
    return DemoData(
        clients=given["DEMO_SEED_CLIENTS_JSON"],
        mediators=given["DEMO_SEED_MEDIATORS_JSON"],
        channels=given["DEMO_SEED_CHANNELS_JSON"],
        request_base_url=environ.get("DEMO_SEED_REQUEST_BASE_URL", ""),
        scopes=() if environ.get("DEMO", "1").lower() in _OFF else _USUAL_SCOPES,
    )


def _port(text: str) -> int:
    if not text.isdecimal():
        raise SettingError("DEMO_MEDIATOR_PORT cannot be read: expected a port")
    return int(text)


def _clients(prefix: str, secret: str) -> Records:
    if not secret:
        raise SettingError("DEMO_CLIENT_SECRET is not set: the demo client needs a secret")
    return [
        {
            "client_id": prefix,
            "name": "Demonstration client",
            "client_secret": secret,
            "scopes": sorted(SCOPES),
            "roles": ["demo"],
        }
    ]


def demo_mediator_record(environ: Mapping[str, str], port: int) -> dict[str, str]:
    """What the demonstration mediator registers as."""
    prefix = environ.get("DEMO_SEED_MEDIATOR_PREFIX") or "urn:mediator:demo"
    return {
        "urn": f"{prefix}-echo",
        "name": "Demonstration mediator",
        "version": "1.0.0",
        "endpoint_url": f"http://127.0.0.1:{port}",
    }


def _channels(prefix: str, mediator_urn: str) -> Records:
    return [
        {
            "name": f"{prefix} echo",
            "description": "Answers with what it was asked.",
            "path_pattern": "/demo/*",
            "mediator_urn": mediator_urn,
            "priority": 10,
        },
        {
            "name": f"{prefix} ESB",
            "description": "Goes to the bus: to its simulator where none is configured.",
            "path_pattern": ESB_PATH,
            "methods": ["POST"],
            "request_body_example": '{"nin": "19900101-14121-00001-23"}',
            "mediator_urn": mediator_urn,
        },
        {
            "name": f"{prefix} patients",
            "description": "Takes a patient as JSON.",
            "path_pattern": "/demo/patients",
            "methods": ["POST"],
            "requires_request_body": True,
            "request_content_type": "application/json",
            "request_body_example": '{"family": "Mushi", "given": "Asha"}',
            "mediator_urn": mediator_urn,
        },
    ]


def _given(name: str, environ: Mapping[str, str]) -> Records:
    """The records of variable `name`, each key checked; none when it is not set."""
    text = environ.get(name, "").strip()
    if not text:
        return []
    try:
        records = json.loads(text)
    except ValueError as exc:
        raise SettingError(f"{name} is not JSON: {exc}") from exc
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise SettingError(f"{name} must be a JSON array of objects")
    return [_checked(name, at, record) for at, record in enumerate(records)]


def _checked(name: str, at: int, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record as the API would save it. Raises SettingError naming the key."""
    missing = [key for key in _REQUIRED[name] if not record.get(key)]
    unknown = sorted(set(record) - {*_REQUIRED[name], *_OPTIONAL[name]})
    if missing:
        raise SettingError(f"{name}[{at}] lacks the key {missing[0]}")
    if unknown:
        raise SettingError(f"{name}[{at}] has an unknown key {unknown[0]}")
    schema = _SCHEMAS[name](partial=True)
    try:
        fields = schema.load({key: record[key] for key in record if key in schema.fields})
        check_rules(fields)
        if "endpoint_url" in fields:
            check_endpoint(fields["endpoint_url"])
    except ma.ValidationError as exc:
        key = next(iter(exc.normalized_messages()))
        raise SettingError(f"{name}[{at}] has a bad value for the key {key}") from exc
    except Invalid as exc:
        raise SettingError(f"{name}[{at}]: {exc}") from exc
    return {**record, **fields}
