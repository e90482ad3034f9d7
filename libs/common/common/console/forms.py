"""What somebody typed, read by a marshmallow schema; what is wrong is shown again as typed."""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Self, cast
from urllib.parse import urlencode

import marshmallow as ma
from flask import request
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict

from common.reasons import reason
from common.texts import _


@dataclass(frozen=True)
class Form:
    """`given` as typed, `values` as the schema reads them, `errors` by field.

    `values` holds what was readable only; act on it when there are no `errors`.
    """

    given: Mapping[str, Sequence[str]] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, Any] = field(default_factory=dict)
    #: Of the record that it shows or changes; None: of one to come.
    revision: int | None = None
    #: The record as somebody else saved it meanwhile, where that kept this form from being saved.
    theirs: "Form | None" = None

    @classmethod
    def of(cls, record: Mapping[str, Any], revision: int | None = None) -> Self:
        """A form that shows what is stored; lists are several values."""
        given = {name: _texts(value) for name, value in record.items()}
        return cls(given=given, revision=revision)

    @property
    def status(self) -> HTTPStatus:
        """Of the page that shows it."""
        if self.theirs is not None:
            return HTTPStatus.CONFLICT
        return HTTPStatus.UNPROCESSABLE_ENTITY if self.errors else HTTPStatus.OK

    def beside(self, theirs: "Form") -> Self:
        """The same beside what somebody else saved; sent again it is saved over that."""
        return replace(self, theirs=theirs, revision=theirs.revision)

    def differences(self) -> Iterator[tuple[str, str, str]]:
        """The fields in which both differ: name, what was typed, what is stored."""
        for name, stored in (self.theirs.given if self.theirs else {}).items():
            mine, its = _joined(self.given.get(name, ())), _joined(stored)
            if mine != its:
                yield name, mine, its

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
        return reason(str(found)) if found else ""

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
    return [(one.value, _(one.value.replace("_", " "))) for one in kind]


def labelled(options: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Options of a field, their labels in the reader's language."""
    return [(value, _(label)) for value, label in options]


def read_form(schema: ma.Schema) -> Form:
    """The form that was sent; fields that the schema does not know are passed over."""
    return replace(_read(schema, request.form), revision=sent_revision())


def sent_revision() -> int | None:
    """The revision of the record that the form was made from, if it says so."""
    text = request.form.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


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


def _joined(values: Sequence[str]) -> str:
    return "\n".join(values).replace("\r\n", "\n").strip()


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, bool):
        return ["true"] if value else []
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else [str(value)]
