"""Rows of a batch within a session's transaction, on both databases."""

import enum
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from common.db.database import Database, UtcDateTime, stored_enum
from notification.outbox.row_changes import add_new_rows, is_one_of
from sqlalchemy import JSON, Column, MetaData, SmallInteger, String, Table, Uuid, select


class Colour(enum.StrEnum):
    RED = "red"


class Written(float):
    """A number of the house's own kind."""


TABLE = Table(
    "thing",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("key", String(40), unique=True),
    Column("colour", stored_enum(Colour)),
    Column("count", SmallInteger),
    Column("at", UtcDateTime),
    Column("document", JSON(none_as_null=True)),
)
AT = datetime(2026, 11, 29, 12, 0, 0, 123456, tzinfo=UTC)


def row(key: str, **changes: Any) -> dict[str, Any]:
    given = {"colour": Colour.RED, "count": 3, "at": AT, "document": None}
    return {"id": uuid.uuid4(), "key": key, **given, **changes}


@pytest.fixture
def things(database: Database) -> Database:
    TABLE.create(database.engine)
    return database


def test_rows_are_read_as_they_were_added(things: Database) -> None:
    document = {"a": Written("1.5"), "ዓለም": ["\"'", 10**30, None, True, "\n"]}
    given = [row("a", document=document), row("ሰላም", count=None, at=None)]

    with things.writing() as session:
        assert add_new_rows(session, TABLE, given) == 2

    with things.reading() as session:
        found = session.execute(select(TABLE).order_by(TABLE.c.key)).mappings().all()
    assert [dict(one) for one in found] == given


def test_a_row_whose_key_is_there_stands_back_alone(things: Database) -> None:
    first = row("a")
    with things.writing() as session:
        add_new_rows(session, TABLE, [first])

    with things.writing() as session:
        assert add_new_rows(session, TABLE, [row("a"), row("b"), row("c")]) == 2

    with things.reading() as session:
        assert session.scalar(select(TABLE.c.id).where(TABLE.c.key == "a")) == first["id"]
        wanted = is_one_of(session, TABLE.c.key, ["a", "c", "x,{y}", "'"])
        assert sorted(session.scalars(select(TABLE.c.key).where(wanted))) == ["a", "c"]
        assert (
            session.scalars(select(TABLE.c.key).where(is_one_of(session, TABLE.c.key, []))).all()
            == []
        )
