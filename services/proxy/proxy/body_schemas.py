"""JSON Schemas for request bodies, checked when a channel is saved, not when a call comes in."""

from collections.abc import Iterator, Mapping
from typing import Any

from common.errors import Invalid
from jsonschema import SchemaError
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_DEFAULT_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DIALECTS = frozenset(
    {
        _DEFAULT_DIALECT,
        "https://json-schema.org/draft/2019-09/schema",
        "http://json-schema.org/draft-07/schema",
        "http://json-schema.org/draft-06/schema",
        "http://json-schema.org/draft-04/schema",
    }
)


def check_body_schema(schema: Mapping[str, Any]) -> None:
    """Refuse what is no JSON Schema (2020-12 unless `$schema` names another known one).

    References must lead to the schema itself: nothing is fetched when a call comes in.
    Raises Invalid naming the place in the schema.
    """
    reason = _why_unusable(schema)
    if reason:
        raise Invalid(f"request_body_schema: {reason}", {"request_body_schema": [reason]})


def _why_unusable(schema: Mapping[str, Any]) -> str | None:
    dialect = schema.get("$schema", _DEFAULT_DIALECT)
    if not isinstance(dialect, str) or dialect.rstrip("#") not in _DIALECTS:
        return "$schema names no dialect that is known here"
    try:
        validator_for({"$schema": dialect}).check_schema(dict(schema))
        return _why_unresolvable(schema)
    except SchemaError as exc:
        return f"Not a JSON Schema at {exc.json_path}: {exc.message[:200]}"
    except RecursionError:
        return "Nested too deeply"


def _why_unresolvable(schema: Mapping[str, Any]) -> str | None:
    resource = DRAFT202012.create_resource(schema)
    resolver = Registry().with_resource("", resource).resolver_with_root(resource)
    for reference in _references(schema):
        if not reference.startswith("#"):
            return f"The reference {reference!r} leads outside of the schema"
        try:
            resolver.lookup(reference)
        except Unresolvable:
            return f"The reference {reference!r} leads nowhere"
    return None


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _REFERENCES and isinstance(inner, str):
                yield inner
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
