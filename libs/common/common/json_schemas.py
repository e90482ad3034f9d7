"""JSON Schemas that callers give us: refused when they are saved, asked when a document comes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import SchemaError
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from common.errors import Invalid

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


@dataclass(frozen=True, slots=True)
class Break:
    """Where a document breaks a schema (RFC 6901), and how; both may repeat what it holds."""

    pointer: str
    reason: str


def check_schema(field: str, schema: Mapping[str, Any]) -> None:
    """Refuse what is no JSON Schema (2020-12 unless `$schema` names another known one).

    References must lead to the schema itself: nothing is fetched when a document comes.
    Raises Invalid naming the place in the schema, under `field`.
    """
    reason = _why_unusable(schema)
    if reason:
        raise Invalid(f"{field}: {reason}", {field: [reason]})


def first_break(validator: Validator, document: Any) -> Break | None:
    """The first rule that `document` breaks."""
    try:
        broken = next(validator.iter_errors(document), None)
    except RecursionError:
        return Break("", "nested too deeply")
    except OverflowError:
        return Break("", "a number is too large")
    if broken is None:
        return None
    return Break(json_pointer(list(broken.absolute_path)), broken.message)


def json_pointer(path: list[str | int]) -> str:
    """RFC 6901: `/persons/0/name`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


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
