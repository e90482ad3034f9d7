"""What somebody typed, read by a marshmallow schema; what is wrong is shown again as typed."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, cast
from urllib.parse import urlencode

import marshmallow as ma
from flask import request
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict


@dataclass(frozen=True)
class Form:
    """`given` as typed, `values` as the schema reads them, `errors` by field.

    `values` holds what was readable only; act on it when there are no `errors`.
    """

    given: Mapping[str, Sequence[str]] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """A form that shows what is stored; lists are several values."""
        return cls(given={name: _texts(value) for name, value in record.items()})

    def text(self, name: str) -> str:
        """What stands in a field."""
        return next(iter(self.given.get(name, ())), "")

    def has(self, name: str, value: str) -> bool:
        """Whether an option or a box is chosen."""
        return value in self.given.get(name, ())

    def error(self, name: str) -> str:
        """What is wrong with a field, else nothing."""
        found = self.errors.get(name)
        while isinstance(found, (list, tuple, dict)) and found:
            found = next(iter(found.values() if isinstance(found, dict) else found))
        return str(found) if found else ""

    def refused(self, errors: Mapping[str, Any]) -> Self:
        """The same with what the domain said of it (`Invalid.errors`)."""
        return replace(self, errors={**self.errors, **errors})

    def query(self, **changes: str | None) -> str:
        """The query that leads to this form again, with changes; it starts with `?`."""
        kept = [
            (name, value)
            for name, values in self.given.items()
            if name not in changes
            for value in values
        ]
        added = [(name, value) for name, value in changes.items() if value is not None]
        return f"?{urlencode([*kept, *added])}"


def choices(kind: type[enum.StrEnum]) -> list[tuple[str, str]]:
    """The options of a field that takes one of `kind`, each with a label for people."""
    return [(one.value, one.value.replace("_", " ")) for one in kind]


def read_form(schema: ma.Schema) -> Form:
    """The form that was sent; fields that the schema does not know are passed over."""
    return _read(schema, request.form)


def read_filters(schema: ma.Schema) -> Form:
    """The filters in the address; what was left blank does not filter."""
    pairs = ((name, value.strip()) for name, value in request.args.items(multi=True))
    known = [(name, value) for name, value in pairs if value and name in schema.fields]
    return _read(schema, MultiDict(known))


def _read(schema: ma.Schema, sent: MultiDict[str, str]) -> Form:
    given = {name: sent.getlist(name) for name in schema.fields if name in sent}
    try:
        values = schema.load(MultiDictProxy(sent, schema), unknown=ma.EXCLUDE)
    except ma.ValidationError as exc:
        return Form(given, cast(dict[str, Any], exc.valid_data), exc.normalized_messages())
    return Form(given, values)


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, bool):
        return ["true"] if value else []
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else [str(value)]
