"""The people of a campaign as their lists have them, and which of them are meant. Pure."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.csv_reading import CsvRow, csv_rows, format_of
from common.errors import Invalid
from common.texts import _

from notification.emit.event import Recipient
from notification.emit.written import as_written

#: Columns of a list that are no values of the person's own.
ADDRESSES = ("to_phone", "to_email", "preferred_lang")
COLUMNS = ("user_id", "actor_type", *ADDRESSES)
_NEEDED = COLUMNS[:2]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on a list; `values` fill the placeholders of this person's message."""

    recipient: Recipient = field(repr=False)
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def given(self) -> dict[str, Any]:
        """What is kept of the person besides the id."""
        known = {name: getattr(self.recipient, name) for name in ADDRESSES}
        found = {name: value for name, value in known.items() if value is not None}
        return {**found, "values": as_written(dict(self.values))} if self.values else found


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line of a list that cannot be read, counted from 1 with the header; why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Listed:
    """What a list holds."""

    people: Sequence[Person]
    rejected: Sequence[Rejected] = ()


def recipient_of(user_id: str, actor_type: str, given: Mapping[str, Any]) -> Recipient:
    """The person again."""
    known = {name: given.get(name) for name in ADDRESSES}
    return Recipient(user_id=user_id, actor_type=actor_type, **known)


def is_meant(person: Person, only: Mapping[str, Sequence[str]]) -> bool:
    """Whether the person has one of the values that count in every column that is named."""
    return all(_value(person, column) in wanted for column, wanted in only.items())


def _value(person: Person, column: str) -> str:
    if column in COLUMNS:
        return str(getattr(person.recipient, column) or "")
    return str(person.values.get(column, ""))


def read_csv(body: bytes, load: Callable[[Mapping[str, str]], Person | str]) -> Listed:
    """A CSV file with a header; `load` makes a person of a row's cells, or says why not.

    Raises Invalid: the header lacks a column.
    """
    file = io.BytesIO(body)
    people: list[Person] = []
    rejected: list[Rejected] = []
    for row in csv_rows(file, format_of(file)):
        found = row.unread or load(_named(row))
        if isinstance(found, str):
            rejected.append(Rejected(row.number, found))
        else:
            people.append(found)
    if not people:
        _check_header(body)
    return Listed(people, rejected)


def _named(row: CsvRow) -> dict[str, str]:
    """Cells by their columns as they are called here: `User ID` is `user_id`."""
    return {column_name(name): cell.strip() for name, cell in row.cells.items()}


def column_name(heading: str) -> str:
    """A heading as a placeholder can name it."""
    return "_".join(heading.strip().lower().split())


def _check_header(body: bytes) -> None:
    file = io.BytesIO(body)
    found = format_of(file)
    names = file.readline().decode(found.encoding, "replace").split(found.delimiter)
    headings: Iterable[str] = (column_name(name.strip('"\r\n ')) for name in names)
    missing = [name for name in _NEEDED if name not in set(headings)]
    if missing:
        reason = _("The header lacks %(columns)s.", columns=" and ".join(missing))
        raise Invalid(f"list: {reason}", {"list": [reason]})
