"""What is sealed opens with its key, its purpose and its row only; `reseal` turns keys over."""

import os
from base64 import b64encode
from pathlib import Path
from types import SimpleNamespace

import pytest
from common.db.database import Database, is_sqlite
from common.resealing import SealedColumn, reseal_column
from common.sealing import TEXT_MARK, KeyFolder, Sealer, SealingKey, create_key
from common.settings import SettingError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import JSON, Column, Integer, LargeBinary, MetaData, Table, Text, select

PURPOSE = b"letter "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_key(tmp_path / "seal")
    return tmp_path / "seal"


def _sealer(folder: Path, *former: bytes) -> Sealer:
    return Sealer(KeyFolder(folder), lambda: former)


def _one_more_key(folder: Path) -> Path:
    """A newer key: names are of whole seconds."""
    made = create_key(folder)
    return made.rename(folder / f"9{made.name}")


def test_opens_what_it_sealed_as_the_same_thing_only(folder: Path) -> None:
    sealer = _sealer(folder)
    sealed = sealer.seal(PURPOSE, b"1", b"secret")
    assert b"secret" not in sealed
    assert sealer.open(PURPOSE, b"1", sealed) == b"secret"
    assert sealer.open(PURPOSE, b"2", sealed) is None
    assert sealer.open(b"other ", b"1", sealed) is None
    assert sealer.open(PURPOSE, b"1", sealed[:-1]) is None
    assert sealer.open(PURPOSE, b"1", b"") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ö\x00\ud800",
        "sealed:",
        "sealed:AAAA",
        "plain",
        "ö\ud800" * 1000,
        "\xff" * 399,
        "y" * 400,
    ],
)
def test_texts(folder: Path, text: str) -> None:
    sealer = _sealer(folder)
    stored = sealer.seal_text(PURPOSE, b"1", text)
    assert sealer.open_text(PURPOSE, b"1", stored) == text
    assert sealer.open_text(PURPOSE, b"1", "in clear") == "in clear"


def test_a_long_text_is_compressed(folder: Path) -> None:
    text = "".join(f'{{"code":"{at}","display":"Consultation"}}' for at in range(40))
    assert len(_sealer(folder).seal_text(PURPOSE, b"1", text)) < len(text) / 2


def test_opens_long_texts_of_before_they_were_compressed(folder: Path) -> None:
    sealer = _sealer(folder)
    stored = TEXT_MARK + b64encode(sealer.seal(PURPOSE, b"1", b"y" * 1000)).decode()
    assert sealer.open_text(PURPOSE, b"1", stored) == "y" * 1000


def test_a_running_process_takes_a_new_key_and_opens_what_it_sealed(folder: Path) -> None:
    running = _sealer(folder)
    before = running.seal(PURPOSE, b"1", b"secret")
    _one_more_key(folder)
    sealed = _sealer(folder).seal(PURPOSE, b"1", b"secret")
    assert sealed[:12] != before[:12]
    assert running.open(PURPOSE, b"1", sealed) == b"secret"
    assert running.seal(PURPOSE, b"1", b"secret")[:12] == sealed[:12]


def test_a_removed_key_opens_nothing(folder: Path) -> None:
    sealed = _sealer(folder).seal(PURPOSE, b"1", b"secret")
    first = next(folder.glob("*.key"))
    _one_more_key(folder)
    first.unlink()
    assert _sealer(folder).open(PURPOSE, b"1", sealed) is None


def test_without_key_files_former_keys_seal_as_they_did(tmp_path: Path) -> None:
    former = bytes(32)
    sealer = _sealer(tmp_path, former)
    sealed = sealer.seal(PURPOSE, b"1", b"secret")
    assert AESGCM(former).decrypt(sealed[:12], sealed[12:], PURPOSE + b"1") == b"secret"
    create_key(tmp_path)
    assert _sealer(tmp_path, former).open(PURPOSE, b"1", sealed) == b"secret"
    with pytest.raises(SettingError, match="SEAL_KEYS_DIR"):
        _sealer(tmp_path / "none").seal(PURPOSE, b"1", b"")


def test_a_bad_key_file_is_named_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "a.key").write_text("my secret", encoding="ascii")
    with pytest.raises(SettingError, match=r"a\.key") as raised:
        _sealer(tmp_path).seal(PURPOSE, b"", b"")
    assert "my secret" not in str(raised.value)
    assert "cipher" not in repr(SealingKey.of(bytes(32)))


def test_digests_are_keyed_and_found_under_each_key(folder: Path) -> None:
    sealer = _sealer(folder)
    first = sealer.digest(b"field ", b"4711")
    assert first == sealer.digest(b"field ", b"4711") != sealer.digest(b"other ", b"4711")
    _one_more_key(folder)
    assert _sealer(folder).digests(b"field ", b"4711")[0] == first


LETTERS = Table(
    "letters",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("bytes", LargeBinary),
    Column("text", Text),
    Column("document", JSON(none_as_null=True)),
)


def _columns() -> list[SealedColumn]:
    return [
        SealedColumn(LETTERS, name, PURPOSE, lambda row: str(row.id).encode())
        for name in ("bytes", "text", "document")
    ]


def _reseal(database: Database, sealer: Sealer) -> list[tuple[int, int]]:
    counts = [reseal_column(database, sealer, one, batch=2, pause_s=0) for one in _columns()]
    return [(one.sealed, one.unreadable) for one in counts]


def test_reseal_turns_over_former_keys_old_keys_and_clear_rows(
    database: Database, folder: Path
) -> None:
    engine, former = database.engine, bytes(32)
    LETTERS.metadata.create_all(engine)
    old = Sealer(KeyFolder(folder / "none"), lambda: [former])
    with database.writing() as session:
        for id_ in range(1, 6):
            sealed = old.seal(PURPOSE, str(id_).encode(), b"secret")
            row = {"id": id_, "bytes": sealed, "text": f"clear {id_}", "document": {"n": [id_]}}
            session.execute(LETTERS.insert().values(row))
        session.execute(LETTERS.insert().values(id=6))
    sealer = _sealer(folder, former)
    assert _reseal(database, sealer) == [(5, 0)] * 3
    assert _reseal(database, sealer) == [(0, 0)] * 3
    first = next(folder.glob("*.key"))
    _one_more_key(folder)
    assert _reseal(database, _sealer(folder)) == [(5, 0)] * 3
    first.unlink()
    _all_is_there(database, _sealer(folder))
    if is_sqlite(engine):
        assert b"clear 3" not in Path(engine.url.database or "").read_bytes()
    create_key(folder / "other")
    assert _reseal(database, _sealer(folder / "other")) == [(0, 5)] * 3


def _all_is_there(database: Database, sealer: Sealer) -> None:
    with database.reading() as session:
        rows = session.execute(select(LETTERS).where(LETTERS.c.id < 6)).all()
        last = session.execute(select(LETTERS).where(LETTERS.c.id == 6)).one()
    assert last == (6, None, None, None)
    for row in rows:
        bound = str(row.id).encode()
        assert sealer.open(PURPOSE, bound, row.bytes) == b"secret"
        assert "clear" not in row.text
        assert sealer.open_text(PURPOSE, bound, row.text) == f"clear {row.id}"
        assert sealer.open_json(PURPOSE, bound, row.document) == {"n": [row.id]}


class Writer:
    """Writes into the row that is being sealed, and a row behind it, so many times."""

    def __init__(self, database: Database, times: int) -> None:
        self._database, self._times = database, times
        LETTERS.metadata.create_all(database.engine)
        with database.writing() as session:
            session.execute(LETTERS.insert().values(id=100, text="before"))

    def __call__(self, row: SimpleNamespace) -> bytes:
        if self._times:
            self._times -= 1
            behind = {"id": self._times + 1, "text": "in clear behind"}
            with self._database.writing() as session:
                session.execute(LETTERS.update().where(LETTERS.c.id == 100).values(text="changed"))
                session.execute(LETTERS.insert().values(behind))
        return str(row.id).encode()


def _sealed_texts(database: Database, sealer: Sealer) -> dict[int, str | None]:
    """What is sealed, opened."""
    wanted = select(LETTERS.c.id, LETTERS.c.text).where(LETTERS.c.text.startswith(TEXT_MARK))
    with database.reading() as session:
        rows = session.execute(wanted).all()
    return {id_: sealer.open_text(PURPOSE, str(id_).encode(), text) for id_, text in rows}


def test_what_is_written_meanwhile_is_sealed_by_another_pass(
    database: Database, folder: Path
) -> None:
    sealer = _sealer(folder)
    column = SealedColumn(LETTERS, "text", PURPOSE, Writer(database, times=3))
    counts = reseal_column(database, sealer, column, batch=1, pause_s=0)
    assert (counts.sealed, counts.left) == (4, 0)
    assert _sealed_texts(database, sealer) == {
        100: "changed",
        **dict.fromkeys((1, 2, 3), "in clear behind"),
    }


def test_who_writes_in_clear_for_ever_is_told_of(database: Database, folder: Path) -> None:
    column = SealedColumn(LETTERS, "text", PURPOSE, Writer(database, times=10_000))
    assert reseal_column(database, _sealer(folder), column, batch=1, pause_s=0).left > 0
    with database.reading() as session:
        kept = session.scalar(select(LETTERS.c.text).where(LETTERS.c.id == 100))
    assert kept == "changed", "never over what was written since"


def test_reseal_waits_until_every_process_knows_a_new_key(folder: Path) -> None:
    assert 3 < _sealer(folder).settles_in_s() <= 4
    for path in folder.glob("*.key"):
        os.utime(path, (0, 0))
    assert _sealer(folder).settles_in_s() == 0
