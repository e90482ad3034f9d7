"""Months as partitions: made ahead, dropped whole, and no row is ever refused."""

import uuid
from datetime import UTC, datetime

import pytest
from common.db import partitions
from common.db.database import TYPES, Database, is_sqlite, new_metadata
from common.db.partitions import (
    by_month,
    drop_months,
    edge_of_rows,
    keep_months_ahead,
    lacking,
    month_of,
    partitioned,
    partitions_of,
    with_default_partitions,
)
from common.ids import lowest_id_at, new_id_at
from sqlalchemy import Table, Uuid, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Base(DeclarativeBase):
    metadata = with_default_partitions(new_metadata())
    type_annotation_map = TYPES


class Entry(Base):
    __tablename__ = "entries"
    __table_args__ = by_month("id")

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    what: Mapped[str]


TABLES: list[Table] = partitioned(Base.metadata)


@pytest.fixture
def entries(database: Database) -> Database:
    Base.metadata.create_all(database.engine)
    return database


def put(entries: Database, *moments: datetime) -> None:
    rows = [{"id": new_id_at(moment), "what": str(moment)} for moment in moments]
    with entries.writing() as session:
        session.execute(insert(Entry), rows)


def kept(entries: Database) -> list[str]:
    with entries.reading() as session:
        return list(session.scalars(select(Entry.what).order_by(Entry.id)))


def names(entries: Database) -> list[str]:
    with entries.engine.connect() as connection:
        return [one.name for one in partitions_of(connection, "entries")]


def on_postgres(entries: Database) -> None:
    if is_sqlite(entries.engine):
        pytest.skip("SQLite has no partitions")


def test_months_are_made_ahead_once(entries: Database) -> None:
    assert keep_months_ahead(entries.engine, TABLES, NOW) == []
    assert keep_months_ahead(entries.engine, TABLES, NOW) == []

    put(entries, NOW, datetime(2031, 1, 1, tzinfo=UTC), datetime(1999, 1, 1, tzinfo=UTC))
    assert len(kept(entries)) == 3  # wherever they lie
    if not is_sqlite(entries.engine):
        months = ["entries_2026_11", "entries_2026_12", "entries_2027_01"]
        assert names(entries) == [*months, "entries_default"]


def test_month_is_dropped_when_all_of_it_is_old(entries: Database) -> None:
    on_postgres(entries)
    for month in (9, 10, 11):
        keep_months_ahead(entries.engine, TABLES, datetime(2026, month, 5, tzinfo=UTC))
    september, october = (
        datetime(2026, 9, 30, 23, 59, tzinfo=UTC),
        datetime(2026, 10, 1, tzinfo=UTC),
    )
    put(entries, september, october)

    early = lowest_id_at(datetime(2026, 9, 30, 23, tzinfo=UTC))
    assert drop_months(entries.engine, TABLES[0], early) == 0
    assert drop_months(entries.engine, TABLES[0], lowest_id_at(october)) == 1

    assert kept(entries) == [str(october)]
    edge = lowest_id_at(NOW)
    assert edge_of_rows(entries.engine, TABLES[0], edge, 31) == lowest_id_at(october)
    assert edge_of_rows(entries.engine, TABLES[0], edge, 30) == edge


def test_month_that_began_without_a_partition_stays_where_it_is(entries: Database) -> None:
    on_postgres(entries)
    put(entries, NOW)

    assert keep_months_ahead(entries.engine, TABLES, NOW) == ["entries"]

    assert "entries_2026_11" not in names(entries)
    assert lacking(entries.engine, TABLES, [month_of(NOW, 1), month_of(NOW, 2)]) == []
    assert kept(entries) == [str(NOW)]


def test_partition_that_is_read_is_dropped_later(
    entries: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_postgres(entries)
    monkeypatch.setattr(partitions, "LOCK_TRIES", 2)
    monkeypatch.setattr(partitions, "LOCK_REST_S", 0.01)
    keep_months_ahead(entries.engine, TABLES, NOW)
    edge = lowest_id_at(month_of(NOW, 1))

    with entries.reading() as session:
        session.execute(text("SELECT 1 FROM entries"))
        assert drop_months(entries.engine, TABLES[0], edge) == 0

    assert drop_months(entries.engine, TABLES[0], edge) == 1
