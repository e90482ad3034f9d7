"""JSON Schemas that callers give us: refused when they are saved, asked when a document comes.

Validation is jsonschema-rs': patterns match in linear time, nothing is fetched, formats are notes.
Reasons name the rule that a document breaks, and repeat nothing of what it holds but names.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jsonschema_rs
import re2
from jsonschema_rs import ValidationErrorKind as Kind

from common.errors import Invalid

#: Levels of a document: beyond them validation could run out of stack.
MAX_DOCUMENT_DEPTH = 500
#: What one pattern may use, compiled and with the states it remembers.
_PATTERNS = jsonschema_rs.RegexOptions(size_limit=512 * 1024, dfa_size_limit=256 * 1024)
_OPTIONS: dict[str, Any] = {
    "pattern_options": _PATTERNS,
    "validate_formats": False,
    "offline": True,
}

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

#: Keywords that name schemas, and those that hold data.
_NAMING = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_DATA = ("const", "enum", "default", "examples")
_ALTERNATIVES = {
    "anyOf": "it is not valid under any of the given schemas",
    "oneOf": "it is not valid under exactly one of the given schemas",
}


@dataclass(frozen=True, slots=True)
class CompiledSchema:
    """A schema, ready to be asked by any thread; other processes get its text.

    `judge` says whether a document keeps it, `locate` where it does not.
    """

    text: str
    judge: jsonschema_rs.Validator
    locate: jsonschema_rs.Validator | None

    def __reduce__(self) -> tuple[Any, ...]:
        return _compiled_again, (self.text,)


class UnusableSchema(ValueError):
    """A schema that cannot be compiled; the message says where it is wrong."""


@dataclass(frozen=True, slots=True)
class Break:
    """Where a document breaks a schema (RFC 6901), and how."""

    pointer: str
    reason: str


def check_schema(field: str, schema: Mapping[str, Any]) -> None:
    """Refuse what is no JSON Schema (2020-12 unless `$schema` names another known one).

    References must lead to the schema itself; patterns must match in linear time.
    Raises Invalid naming the place in the schema, under `field`.
    """
    try:
        compile_schema(schema)
    except UnusableSchema as exc:
        raise Invalid(f"{field}: {exc}", {field: [str(exc)]}) from exc


def compile_schema(schema: Mapping[str, Any]) -> CompiledSchema:
    """Read a schema. Raises UnusableSchema."""
    dialect = schema.get("$schema", _DEFAULT_DIALECT)
    if not isinstance(dialect, str) or dialect.rstrip("#") not in _DIALECTS:
        raise UnusableSchema("$schema names no dialect that is known here")
    for reference in _references(schema):
        if not reference.startswith("#"):
            raise UnusableSchema(f"The reference {reference!r} leads outside of the schema")
    try:
        judge = jsonschema_rs.validator_for(dict(schema), **_OPTIONS)
    except jsonschema_rs.ValidationError as exc:
        raise UnusableSchema(_why_unusable(schema, exc)) from exc
    except (ValueError, RecursionError) as exc:
        raise UnusableSchema("Nested too deeply, or with a text that is none") from exc
    return CompiledSchema(json.dumps(schema), judge, _locator(schema))


@lru_cache(maxsize=100)
def _compiled_again(text: str) -> CompiledSchema:
    return compile_schema(json.loads(text))


def broken_in(schema: CompiledSchema, data: bytes) -> Break | None:
    """The first rule that a JSON text breaks; to be one is the first. Reasons repeat none of it."""
    try:
        return first_break(schema, _document(data))
    except json.JSONDecodeError as exc:
        return Break("", f"not JSON: {exc}")
    except UnicodeDecodeError as exc:
        return Break("", f"not JSON: no {exc.encoding} at byte {exc.start}")
    except ValueError:
        return Break("", "not JSON: a number is not finite, or has thousands of digits")
    except RecursionError:
        return Break("", "nested too deeply")


def first_break(schema: CompiledSchema, document: Any) -> Break | None:
    """The first rule that `document` (of `json.loads`) breaks."""
    if _is_too_deep(document):
        return Break("", "nested too deeply")
    try:
        if schema.judge.is_valid(document):
            return None
        if schema.locate is not None:
            schema.locate.validate(document)
    except jsonschema_rs.ValidationError as broken:
        return _break_of(broken)
    except UnicodeEncodeError:
        return Break("", "a text holds an unpaired surrogate")
    except ValueError:
        pass  # the place lies too deep to be told
    return Break("", "it breaks the schema")


def json_pointer(path: list[str | int]) -> str:
    """RFC 6901: `/persons/0/name`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _document(data: bytes) -> Any:
    """The text as `json.loads` gives it. Raises ValueError and its kinds, RecursionError."""
    return json.loads(data, parse_float=_finite, parse_constant=_finite)


def _finite(text: str) -> float:
    """A number that JSON knows: `NaN` and `Infinity` are none, and what rounds to it counts too."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is not finite")
    return number


def _locator(schema: Mapping[str, Any]) -> jsonschema_rs.Validator | None:
    """Tells the first break without telling why each alternative does not hold.

    With the reasons of all alternatives one megabyte may take seconds and gigabytes. None where
    the schema would mean something else then.
    """
    brief = _brief(schema)
    if brief != schema and '"unevaluated' in json.dumps(schema):
        return None  # what is evaluated in an alternative would be forgotten
    try:
        return jsonschema_rs.validator_for(brief, mask="the value", **_OPTIONS)
    except ValueError:
        return None  # a reference leads into an alternative


def _brief(schema: Any) -> Any:
    """The schema with `not: {not: {anyOf: …}}` for `anyOf: …`: as true, and without reasons."""
    if not isinstance(schema, Mapping):
        return schema
    brief: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _NAMING and isinstance(value, Mapping):
            brief[keyword] = {name: _brief(inner) for name, inner in value.items()}
        elif keyword in _DATA:
            brief[keyword] = value
        else:
            several = isinstance(value, list)
            brief[keyword] = [_brief(one) for one in value] if several else _brief(value)
    for keyword in _ALTERNATIVES.keys() & brief.keys():
        alternatives = {"not": {"not": {keyword: brief.pop(keyword)}}}
        brief["allOf"] = [*brief.get("allOf", []), alternatives]
    return brief


def _break_of(broken: jsonschema_rs.ValidationError) -> Break:
    path, reason = list(broken.instance_path), broken.message
    match broken.kind:
        case Kind.AdditionalProperties(unexpected=[name, *_]):
            path, reason = [*path, name], "additional properties are not allowed here"
        case Kind.UnevaluatedProperties(unexpected=[name, *_]):
            path, reason = [*path, name], "unevaluated properties are not allowed here"
        case Kind.UnevaluatedItems():
            reason = "unevaluated items are not allowed here"
        case Kind.Not(schema={"not": {**alternatives}}) if len(alternatives) == 1:
            reason = _ALTERNATIVES.get(str(next(iter(alternatives))), reason)
        case Kind.PropertyNames(error=inner):
            path, reason = [*path, str(inner.instance)], f"its name breaks {inner.kind.name}"
        case Kind.Contains():
            reason = "no item is valid under the given schema"
        case Kind.FalseSchema():
            reason = "nothing is allowed here"
    return Break(json_pointer(path), reason)


def _why_unusable(schema: Mapping[str, Any], exc: jsonschema_rs.ValidationError) -> str:
    where = json_pointer(exc.instance_path) or "the schema"
    match exc.kind:
        case Kind.Format(format="regex"):
            return f"At {where}: {_why_no_pattern(schema, exc.instance_path)}"
        case Kind.Referencing():
            return f"A reference leads nowhere: {exc.message[:200]}"
    return f"Not a JSON Schema at {where}: {exc.message[:200]}"


def _why_no_pattern(schema: Any, path: list[str | int]) -> str:
    """RE2 has the same bounds as the engine that is used, and gives reasons."""
    text = _at(schema, path)
    if not isinstance(text, str):
        text = str(path[-1])  # a name of `patternProperties`
    try:
        options = re2.Options()
        options.log_errors = False
        re2.compile(text, options)
    except (re2.error, UnicodeEncodeError) as exc:
        said = exc.args[0]
        reason = said.decode(errors="replace") if isinstance(said, bytes) else "no text"
        return f"the pattern cannot be matched in linear time: {reason[:200]}"
    return "the pattern is too large, or says what cannot be matched in linear time"


def _at(value: Any, path: list[str | int]) -> Any:
    for part in path:
        value = value[part]
    return value


def _is_too_deep(document: Any) -> bool:
    level = [document] if isinstance(document, (dict, list)) else []
    for _ in range(MAX_DOCUMENT_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _REFERENCES and isinstance(inner, str):
                yield inner
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
