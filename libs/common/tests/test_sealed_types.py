"""Columns that are sealed at rest: in clear for statements, unreadable in the database."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from common.db.database import Database, insert_into, is_sqlite
from common.db.resealed_types import sealed_columns
from common.db.sealed_texts import LOCKED
from common.db.sealed_types import (
    SealedBytes,
    SealedDocument,
    SealedText,
    SearchableText,
    as_stored,
    column_sealer,
    is_any_of,
    keyed_digest,
    seals_columns,
)
from common.resealing import reseal_column
from common.sealing import create_key
from common.searchable_sealing import create_search_key
from common.settings import Environment, SettingError
from sqlalchemy import Integer, Table, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column

PERSON = b"person "


class Base(DeclarativeBase):
    """The tests' own tables."""


class Letter(Base):
    """What a letter says, to whom, with what."""

    __tablename__ = "letters"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    person: Mapped[str] = mapped_column(SearchableText(PERSON), unique=True)
    words: Mapped[str | None] = mapped_column(SealedText(b"words "))
    facts: Mapped[dict[str, Any] | None] = mapped_column(SealedDocument(b"facts "))
    file: Mapped[bytes | None] = mapped_column(SealedBytes(b"file "))


AMINA = {"id": 1, "person": "NID-4711", "words": "Amina", "facts": {"a": 1.5}, "file": b"scan"}
JUMA = {"id": 2, "person": "NID-4712", "words": "", "facts": None, "file": None}


@pytest.fixture
def sealed(database: Database, environment: Environment) -> Database:
    """A database whose columns are sealed, with both letters."""
    create_key(environment.seal_keys_folder)
    create_search_key(environment.seal_keys_folder)
    seals_columns(database, column_sealer(environment))
    _fill(database)
    return database


def _fill(database: Database) -> None:
    Base.metadata.create_all(database.engine)
    with database.writing() as session:
        session.execute(insert_into(session, Letter), [AMINA, JUMA])


def _at_rest(database: Database) -> str:
    with database.reading() as session:
        return str(session.execute(text("SELECT * FROM letters ORDER BY id")).all())


def _shown(database: Database) -> list[dict[str, Any]]:
    with database.reading() as session:
        rows = session.execute(select(*Letter.__table__.c).order_by(Letter.id))
        return [dict(row._mapping) for row in rows]


def test_what_is_sealed_is_in_clear_for_statements_only(sealed: Database) -> None:
    at_rest = _at_rest(sealed)
    assert not [word for word in ("4711", "Amina", "1.5", "scan") if word in at_rest]
    assert _shown(sealed) == [AMINA, JUMA]
    with sealed.writing() as session:
        session.get_one(Letter, 2).words = "Juma"
    assert "Juma" not in _at_rest(sealed)
    assert _shown(sealed)[1]["words"] == "Juma"


def test_equal_texts_are_found_joined_and_unique(sealed: Database) -> None:
    with sealed.writing() as session:
        of = Letter.person
        for found in (of == "NID-4711", of.in_(["NID-4711", "x"]), of != "NID-4712"):
            assert session.scalars(select(Letter.id).where(found)).all() == [1]
        other = aliased(Letter)
        joined = select(Letter.id).join(other, other.person == Letter.person)
        assert len(session.scalars(joined).all()) == 2
        again = insert_into(session, Letter).values({**AMINA, "id": 3}).on_conflict_do_nothing()
        session.execute(again)
        assert session.get(Letter, 3) is None


def test_what_would_find_nothing_is_refused() -> None:
    for wrong in (
        lambda: Letter.person.startswith("NID"),
        lambda: Letter.person < "NID",
        lambda: Letter.person.desc(),
        lambda: Letter.words == "Amina",
    ):
        with pytest.raises(TypeError, match="is sealed"):
            wrong()
    Letter.words.is_(None)


def test_rows_in_clear_are_found_until_they_are_turned_over(
    database: Database, environment: Environment
) -> None:
    _fill(database)
    folder, sealer = environment.seal_keys_folder, column_sealer(environment)
    assert "Amina" in _at_rest(database)
    seals_columns(database, sealer)
    create_key(folder)
    create_search_key(folder)
    sealer.searchable._looked = float("-inf")
    with database.writing() as session:
        assert session.scalar(select(Letter.words).where(Letter.person == "NID-4711")) == "Amina"
    _resealed(database, environment)
    assert "4711" not in _at_rest(database)
    (first,) = folder.glob("*.key")
    first_rows = _at_rest(database)
    create_key(folder).rename(folder / "9.key")  # the newest, in whatever second
    _resealed(database, environment)
    first.unlink()
    assert _at_rest(database) != first_rows
    assert _shown(database) == [AMINA, JUMA]


def _resealed(database: Database, environment: Environment) -> None:
    sealer = column_sealer(environment)
    for column in sealed_columns(Base.metadata, sealer):
        assert reseal_column(database, sealer.texts.sealer, column, pause_s=0).unreadable == 0


def test_a_row_that_was_sealed_since_keeps_one_in_clear_from_it(
    sealed: Database, environment: Environment
) -> None:
    with sealed.writing() as session:
        session.execute(text("INSERT INTO letters (id, person) VALUES (3, 'NID-4711')"))
    sealer = column_sealer(environment)
    counts = [
        reseal_column(sealed, sealer.texts.sealer, column, pause_s=0)
        for column in sealed_columns(Base.metadata, sealer)
    ]
    assert sum(one.double for one in counts) == 1
    assert "NID-4711" in _at_rest(sealed)


def test_rows_given_as_json_are_sealed_before(sealed: Database) -> None:
    (stored,) = as_stored(sealed.engine.dialect, cast(Table, Letter.__table__), [AMINA])
    assert "Amina" not in json.dumps({**stored, "file": repr(stored["file"])})
    assert stored["id"] == 1


def test_what_rows_of_a_statement_share_is_sealed_once(sealed: Database) -> None:
    dialect, table = sealed.engine.dialect, cast(Table, Letter.__table__)
    first, same, equal, none = as_stored(
        dialect, table, [AMINA, {**AMINA, "id": 2}, {**AMINA, "words": "".join("Amina")}, JUMA]
    )
    assert same == {**first, "id": 2}
    assert equal["person"] == first["person"]
    assert equal["words"] != first["words"], "another object, and what is only read says nothing"
    assert (none["words"], none["facts"]) == ("", None)
    assert as_stored(dialect, table, [AMINA])[0]["words"] != first["words"]


def test_one_of_many_is_found_sealed_or_in_clear(sealed: Database) -> None:
    if is_sqlite(sealed.engine):
        pytest.skip("SQLite is given each value")
    odd = 'x,{y}"\\ é\U0001f600'
    with sealed.writing() as session:
        session.execute(text("INSERT INTO letters (id, person) VALUES (3, :odd)"), {"odd": odd})
        session.execute(insert_into(session, Letter), [{**JUMA, "id": 4, "person": odd + "2"}])
        for wanted, ids in (
            ([odd, "NID-4711", "x"], [1, 3]),
            ([odd + "2"], [4]),
            ([], []),
        ):
            among = is_any_of(sealed.engine.dialect, Letter.person, wanted)
            assert session.scalars(select(Letter.id).where(among).order_by(Letter.id)).all() == ids


def test_without_its_key_nothing_is_shown(sealed: Database, environment: Environment) -> None:
    for path in environment.seal_keys_folder.iterdir():
        path.unlink()
    seals_columns(sealed, column_sealer(environment))
    (found, _) = _shown(sealed)
    assert (found["person"], found["words"]) == (LOCKED, LOCKED)
    assert "Amina" not in str(found)


def test_a_key_to_search_with_is_made_once_and_is_whole(tmp_path: Path) -> None:
    made = create_search_key(tmp_path)
    assert made is not None
    assert made.stat().st_mode & 0o777 == 0o600
    assert create_search_key(tmp_path) is None
    made.write_text("ab")
    sealer = column_sealer(Environment(var_dir=tmp_path, seal_keys_dir=tmp_path))
    with pytest.raises(SettingError, match="128 hexadecimal digits"):
        sealer.searchable.cipher()


def test_digest_is_known_again_and_hangs_on_the_key(
    sealed: Database, environment: Environment
) -> None:
    def digest(purpose: bytes, words: str) -> bytes | None:
        with sealed.reading() as session:
            return keyed_digest(session, purpose, words)

    first = digest(b"a ", "+255754001234")
    assert first == digest(b"a ", "+255754001234")
    assert len(first or b"") == 16
    others = [digest(b"b ", "+255754001234"), digest(b"a ", "+255754001235")]
    (path,) = environment.seal_keys_folder.glob("*.siv")
    path.unlink()
    seals_columns(sealed, column_sealer(environment))
    assert digest(b"a ", "+255754001234") is None
    create_search_key(environment.seal_keys_folder)
    seals_columns(sealed, column_sealer(environment))
    assert first not in [*others, digest(b"a ", "+255754001234")]
