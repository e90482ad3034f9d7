"""Lists in pages: everything once, whatever is inserted meanwhile, and no cursor of our making."""

import base64
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from common.db.database import TYPES, Database, new_metadata
from common.errors import Invalid
from common.ids import lowest_id_at
from common.web.paging import Page, fetch_page
from sqlalchemy import String, select
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, mapped_column


class Base(DeclarativeBase):
    metadata = new_metadata()
    type_annotation_map = TYPES


class Row(Base):
    __tablename__ = "rows"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[uuid.UUID] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(20))


#: All made in the same millisecond: only their lowest bits differ.
MOMENT = lowest_id_at(datetime(2026, 11, 22, tzinfo=UTC)).int


@pytest.fixture
def rows(database: Database) -> Database:
    Base.metadata.create_all(database.engine)
    put(database, *range(1, 8))
    return database


def put(rows: Database, *ids: int) -> None:
    with rows.writing() as session:
        session.add_all(Row(id=at, uid=uuid.UUID(int=MOMENT + at), name="tie") for at in ids)


def page(
    rows: Database, cursor: str | None = None, key: InstrumentedAttribute[Any] = Row.uid, **how: Any
) -> Page[Row]:
    with rows.reading() as session:
        return fetch_page(session, select(Row), key, **{"limit": 3, "cursor": cursor, **how})


def ids(found: Page[Row]) -> list[int]:
    return [row.id for row in found.data]


@pytest.mark.parametrize("key", [Row.uid, Row.id])
@pytest.mark.parametrize(
    ("descending", "pages"),
    [(True, [[7, 6, 5], [4, 3, 2], [1]]), (False, [[1, 2, 3], [4, 5, 6], [7]])],
)
def test_pages_together_are_the_list(
    rows: Database, key: InstrumentedAttribute[Any], descending: bool, pages: list[list[int]]
) -> None:
    walked, cursor = [], None
    while not walked or cursor:
        found = page(rows, cursor, key, descending=descending)
        walked.append(ids(found))
        cursor = found.next_cursor
    assert walked == pages


def test_last_full_page_has_no_next(rows: Database) -> None:
    assert page(rows, limit=7).next_cursor is None


def test_what_is_inserted_meanwhile_neither_repeats_nor_hides_a_row(rows: Database) -> None:
    first = page(rows)
    put(rows, 8, 9)
    assert ids(page(rows, first.next_cursor)) == [4, 3, 2]


def test_cursor_stands_when_its_row_is_gone(rows: Database) -> None:
    first = page(rows)
    with rows.writing() as session:
        session.delete(session.get_one(Row, 5))
    assert ids(page(rows, first.next_cursor)) == [4, 3, 2]


def test_filter_holds_on_every_page(rows: Database) -> None:
    odd = select(Row).where(Row.id % 2 == 1)
    with rows.reading() as session:
        first = fetch_page(session, odd, Row.id, limit=2, cursor=None)
        second = fetch_page(session, odd, Row.id, limit=2, cursor=first.next_cursor)
    assert (ids(first), ids(second)) == ([7, 5], [3, 1])


@pytest.mark.parametrize(("limit", "count"), [(-5, 1), (0, 1), (1, 1), (500, 7), (10**30, 7)])
def test_limit_is_brought_into_range(rows: Database, limit: int, count: int) -> None:
    assert page(rows, limit=limit).count == count


def test_empty_list_is_one_page(rows: Database) -> None:
    with rows.reading() as session:
        found = fetch_page(session, select(Row).where(Row.id > 99), Row.id, limit=3, cursor=None)
    assert (found.data, found.count, found.next_cursor) == ([], 0, None)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


BAD = ["x", "é", "====", "a" * 5, "\x00", encoded("tie"), encoded("1.5")]


@pytest.mark.parametrize("cursor", [*BAD, encoded("7"), encoded("{}"), "A" * 10_000])
def test_cursor_of_another_list_is_invalid(rows: Database, cursor: str) -> None:
    with pytest.raises(Invalid) as caught:
        page(rows, cursor, Row.uid)
    assert "cursor" in caught.value.errors


@pytest.mark.parametrize(
    "cursor", [*BAD, encoded("9" * 5_000), encoded("9" * 30), encoded("-9999999999")]
)
def test_cursor_that_is_no_number_is_invalid(rows: Database, cursor: str) -> None:
    with pytest.raises(Invalid):
        page(rows, cursor, Row.id)
