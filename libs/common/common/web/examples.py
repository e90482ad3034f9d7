"""Examples of the OpenAPI documents: what "Try it out" sends; they work with the demonstration
data.

An example stands where a field is declared (`metadata={"example": …}`), or beside the route. What a
field's type says by itself needs none: the id of demonstration records, a time, a choice.
"""

import uuid
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import validate

#: The id of one demonstration record of each kind: older than anything that is made.
EXAMPLE_ID = uuid.UUID("01900000-0000-7000-8000-000000000001")
#: Times around all records of a demonstration.
_TIMES = {"since": "2025-01-01T00:00:00Z", "until": "2035-01-01T00:00:00Z"}


def path_example(name: str, example: Any, description: str = "") -> dict[str, Any]:
    """A parameter of a path, for `parameters=[…]` of `route`."""
    documented = {"in": "path", "name": name, "example": example}
    return {**documented, "description": description} if description else documented


def example_of(field: ma.fields.Field[Any]) -> Any:
    """What the field's declaration or its type say; `ma.missing` where they say nothing."""
    if "example" in field.metadata:
        return field.metadata["example"]
    default = field.load_default
    if isinstance(field, ma.fields.Enum):
        chosen: Any = next(iter(field.enum.__members__.values()))
        return (chosen if default in (ma.missing, None) else default).value
    if isinstance(default, (bool, int, float)) or (isinstance(default, str) and default):
        return default
    return _of_type(field)


def _of_type(field: ma.fields.Field[Any]) -> Any:
    choices = [rule.choices for rule in field.validators if isinstance(rule, validate.OneOf)]
    if choices:
        return next(iter(choices[0]))
    if isinstance(field, ma.fields.UUID):
        return str(EXAMPLE_ID)
    if isinstance(field, ma.fields.DateTime):
        return _TIMES.get(field.name or "", _TIMES["since"])
    if isinstance(field, ma.fields.Boolean):
        return False
    return ma.missing


def with_examples(schema: ma.Schema) -> ma.Schema:
    """The schema of parameters, each with its example."""
    for field in schema.fields.values():
        example = example_of(field)
        if example is not ma.missing:
            field.metadata = {**field.metadata, "example": example}
    return schema


def body_example(schema: ma.Schema) -> dict[str, Any] | None:
    """A body of what the schema requires and what declares an example; None: a part lacks one.

    What would be changed of a record (`partial=True`) is said beside the route.
    """
    if schema.partial is True:
        return None
    chosen = {
        field.data_key or name: _of_member(field)
        for name, field in schema.load_fields.items()
        if field.required or "example" in field.metadata
    }
    return None if ma.missing in chosen.values() else chosen


def _of_member(field: ma.fields.Field[Any]) -> Any:
    found = example_of(field)
    if found is not ma.missing:
        return found
    if isinstance(field, ma.fields.List):
        item = _of_member(field.inner)
        return item if item is ma.missing else [item]
    if isinstance(field, ma.fields.Nested):
        inner = body_example(field.schema)
        return ma.missing if inner is None else [inner] if field.many else inner
    return ma.missing


def instance(schema: Any) -> ma.Schema | None:
    """An instance of what `arguments` takes; None for a mapping of fields."""
    if isinstance(schema, type) and issubclass(schema, ma.Schema):
        return schema()
    return schema if isinstance(schema, ma.Schema) else None


def access_words(scopes: tuple[str, ...]) -> str:
    """Who may ask, for an operation's description."""
    if not scopes:
        return "Needs no access token."
    return f"Needs the scope {' or '.join(f'`{scope}`' for scope in scopes)}."


def described(doc: Mapping[str, Any], scopes: tuple[str, ...]) -> str:
    """An operation's description: what its docstring says beyond the summary, and who may ask."""
    said = doc.get("description") or doc.get("summary", "")
    return "\n\n".join(filter(None, (said, access_words(scopes))))
