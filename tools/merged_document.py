"""One OpenAPI document of all services, written by `make docs` for nginx to serve.

A component of one name that means the same everywhere stands once; others get their service's name.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "nginx" / "docs" / "openapi.json"
TITLES = {
    "proxy": "Channel proxy",
    "esb-relay": "ESB relay",
    "notification": "Notification",
    "policy-notify": "Policy notification",
}
INFO = {
    "title": "Kiungo",
    "version": "1",
    "description": "All services of the hub. Fetch an access token at `POST /oauth/token` and send "
    "it as `Authorization: Bearer …`.",
}

Document = dict[str, Any]
#: A component: its kind (`schemas`, `responses`, …) and its name.
Key = tuple[str, str]


def merged(documents: Mapping[str, Document]) -> Document:
    """The documents of services, by the services' names, as one.

    Raises ValueError when two services claim one path.
    """
    paths: Document = {}
    components: Document = {}
    tags: list[Document] = []
    alike = _alike(documents)
    for service, document in documents.items():
        name_of = partial(_name, alike, service)
        found = _with_refs(document, name_of)
        for path, operations in found["paths"].items():
            if path in paths:
                raise ValueError(f"two services claim {path}")
            paths[path] = _named(operations, service)
        tags += [{**tag, "name": f"{TITLES[service]}: {tag['name']}"} for tag in found["tags"]]
        schemes = found["components"].pop("securitySchemes")
        for kind, members in found["components"].items():
            named = {name_of((kind, name)): body for name, body in members.items()}
            components.setdefault(kind, {}).update(named)
        _add_schemes(components.setdefault("securitySchemes", {}), schemes)
    first = next(iter(documents.values()))
    return {
        "openapi": first["openapi"],
        "info": INFO,
        "servers": first["servers"],
        "tags": tags,
        "paths": paths,
        "components": components,
    }


def _name(alike: set[Key], service: str, key: Key) -> str:
    return key[1] if key in alike else f"{service}.{key[1]}"


def _alike(documents: Mapping[str, Document]) -> set[Key]:
    """The components that need no service's name, with all that they refer to."""
    bodies: dict[Key, list[Any]] = {}
    for document in documents.values():
        for kind, members in document["components"].items():
            for name, body in members.items():
                bodies.setdefault((kind, name), []).append(body)
    alike = {key for key, found in bodies.items() if all(body == found[0] for body in found)}
    while unlike := {key for key in alike if not set(_refs(bodies[key][0])) <= alike}:
        alike -= unlike
    return alike


def _add_schemes(known: Document, schemes: Document) -> None:
    """Add ways to sign in; one that several services know gets the scopes of all."""
    for name, scheme in schemes.items():
        if name not in known:
            known[name] = scheme
            continue
        for flow, terms in scheme.get("flows", {}).items():
            known[name]["flows"][flow]["scopes"].update(terms["scopes"])


def _named(operations: Document, service: str) -> Document:
    """The operations of a path; what they are called begins with their service."""
    return {
        method: {
            **what,
            "operationId": f"{service.replace('-', '_')}_{what['operationId']}",
            "tags": [f"{TITLES[service]}: {tag}" for tag in what.get("tags", [])],
        }
        if isinstance(what, dict)
        else what
        for method, what in operations.items()
    }


def _refs(node: Any) -> Iterator[Key]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield _key(node["$ref"])
        for value in node.values():
            yield from _refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from _refs(value)


def _with_refs(node: Any, name_of: Callable[[Key], str]) -> Any:
    """A copy of `node` whose references go to components by these names."""
    if isinstance(node, dict):
        copy = {name: _with_refs(value, name_of) for name, value in node.items()}
        if isinstance(node.get("$ref"), str):
            key = _key(node["$ref"])
            copy["$ref"] = f"#/components/{key[0]}/{name_of(key)}"
        return copy
    if isinstance(node, list):
        return [_with_refs(value, name_of) for value in node]
    return node


def _key(ref: str) -> Key:
    kind, name = ref.removeprefix("#/components/").split("/", maxsplit=1)
    return kind, name


def committed() -> dict[str, Document]:
    """The services' documents as they stand in the repository."""
    return {
        service: json.loads((ROOT / "services" / service / "openapi.json").read_text("utf-8"))
        for service in TITLES
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(merged(committed()), indent=2) + "\n", encoding="utf-8")
