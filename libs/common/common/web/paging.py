"""Lists on the wire: `{"ok": true, "count": n, "data": […], "next_cursor": "…"|null}`.

`count` is the number of rows in this answer; a cursor names the last row's sort key.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import marshmallow as ma
from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from common.errors import Invalid
from common.texts import _
from common.web.fields import MAX_INTEGER

Row = TypeVar("Row")

MAX_LIMIT = 500
DEFAULT_LIMIT = 100
#: The example of a cursor: the greatest id, so that all rows come after it.
_FIRST_PAGE = "ZmZmZmZmZmYtZmZmZi03ZmZmLWJmZmYtZmZmZmZmZmZmZmZm"


class PageArgs(ma.Schema):
    """The query of every list. A limit beyond 1–500 is brought into that range."""

    limit = ma.fields.Integer(
        load_default=DEFAULT_LIMIT, metadata={"description": "1–500, brought into that range"}
    )
    cursor = ma.fields.String(
        load_default=None,
        metadata={"description": "`next_cursor` of the page before", "example": _FIRST_PAGE},
    )

    class Meta:
        unknown = ma.RAISE


class NumberedPageArgs(PageArgs):
    """The query of a list whose rows are numbered."""

    cursor = ma.fields.String(
        load_default=None,
        metadata={"description": "`next_cursor` of the page before", "example": "MzAwMDA"},
    )


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of rows and the way to the next."""

    data: Sequence[Row]
    next_cursor: str | None
    ok: bool = True

    @property
    def count(self) -> int:
        """How many rows this page holds."""
        return len(self.data)


def page_schema(item: type[ma.Schema], **more: ma.fields.Field[Any]) -> ma.Schema:
    """The schema of a page of `item`, with what `more` such a page says."""
    name = f"{item.__name__.removesuffix('Out').removesuffix('Schema')}Page"
    return ma.Schema.from_dict(
        {
            "ok": ma.fields.Boolean(required=True),
            "count": ma.fields.Integer(required=True),
            "data": ma.fields.List(ma.fields.Nested(item), required=True),
            "next_cursor": ma.fields.String(required=True, allow_none=True),
            **more,
        },
        name=name,
    )()


def fetch_page(
    session: Session,
    query: Select[Row],
    key: InstrumentedAttribute[Any],
    *,
    limit: int,
    cursor: str | None,
    descending: bool = True,
) -> Page[Row]:
    """The page after `cursor`, by the unique column `key`, newest (greatest) first by default.

    Raises Invalid for a cursor this list never gave out.
    """
    limit = bounded(limit)
    if cursor:
        query = query.where(_after(key, decode_cursor(cursor, key), descending))
    order = key.desc() if descending else key.asc()
    rows = session.scalars(query.order_by(order).limit(limit + 1)).all()
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, encode_cursor(getattr(rows[-1], key.key)) if more else None)


def page_of(rows: Sequence[Row], limit: int, cursor: str | None) -> Page[Row]:
    """The page after `cursor` of rows that are all at hand; a cursor names how many came before.

    Raises Invalid for a cursor this list never gave out.
    """
    first = max(0, _decoded(cursor, int)) if cursor else 0
    end = first + limit
    return Page(rows[first:end], encode_cursor(end) if end < len(rows) else None)


def bounded(limit: int) -> int:
    """`limit`, brought into the range of a page."""
    return min(max(limit, 1), MAX_LIMIT)


def _after(key: InstrumentedAttribute[Any], value: Any, descending: bool) -> ColumnElement[bool]:
    older: ColumnElement[bool] = key < value
    newer: ColumnElement[bool] = key > value
    return older if descending else newer


def encode_cursor(value: Any) -> str:
    """The cursor of the page after the row whose key is `value`."""
    return base64.urlsafe_b64encode(str(value).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, key: InstrumentedAttribute[Any]) -> Any:
    """The value of `key` that a cursor names. Raises Invalid."""
    return _decoded(cursor, key.type.python_type)


def _decoded(cursor: str, kind: Callable[[str], Any]) -> Any:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        value = kind(base64.urlsafe_b64decode(padded.encode()).decode())
    except (ValueError, binascii.Error, TypeError) as exc:
        raise Invalid(
            "The cursor is not one of this list", {"cursor": ["Unknown cursor."]}
        ) from exc
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise Invalid(_("The cursor is not one of this list"), {"cursor": ["Unknown cursor."]})
    return value
