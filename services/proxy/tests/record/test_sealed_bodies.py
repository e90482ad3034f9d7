"""A copied database shows no body; the API, reruns and a turned-over key show them as they were."""

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from common import sealing
from common.db.sealed_texts import LOCKED, seals_texts
from common.resealing import reseal_column
from flask import Flask
from proxy.container import Container
from proxy.models import Base, StoredRequest, Transaction
from proxy.record.resealing import sealed_columns
from proxy.record.rows import NOT_STORED
from proxy.record.sealing import RequestCopy, Sealer
from sqlalchemy import select, update

PLANTED = [f"patient-{n:05}-amina" for n in range(20)]
CALL = {"json": {"patients": PLANTED}, "auth": ("clinic", "s" * 32)}


@pytest.fixture
def keys(container: Container) -> Iterator[Path]:
    """The folder of sealing keys, as it was once the test has ended."""
    folder = container.settings.seal_keys_folder
    kept = folder.with_name("seal-kept")
    shutil.copytree(folder, kept)
    yield folder
    shutil.rmtree(folder)
    kept.rename(folder)


@pytest.fixture
def called(served: Any, api: Any, channel: dict[str, Any]) -> str:
    """A call whose mediator is away: its request is on record."""
    api.patch(f"channels/{channel['id']}", {"keep_whole_bodies": True})
    api.made("clients", **api.a_client(client_secret="s" * 32))
    answer = served.post("/patients/1", **CALL)
    assert answer.status_code == 502, answer.text
    return str(answer.headers["X-Correlation-Id"])


def _copied(container: Container) -> str:
    """Everything that is in the tables, as whoever copies the database sees it."""
    with container.database.engine.connect() as connection:
        rows = [connection.execute(select(table)).all() for table in Base.metadata.sorted_tables]
    return str(rows)


def _reseal(container: Container, sealer: Sealer) -> tuple[int, int]:
    found = [
        reseal_column(container.database, sealer.core, column, pause_s=0)
        for column in sealed_columns(sealer)
    ]
    return sum(one.sealed for one in found), sum(one.unreadable for one in found)


def _fresh(container: Container) -> Sealer:
    """The sealer of a process that starts now."""
    folder = sealing.KeyFolder(container.settings.seal_keys_folder)
    return Sealer(sealing.Sealer(folder, container.signer.storage_keys))


def test_a_copied_database_shows_no_body_and_the_api_all(
    called: str, container: Container, api: Any
) -> None:
    seen = _copied(container)
    assert called.replace("-", "") in seen.replace("-", "")
    assert not [one for one in PLANTED if one in seen]
    body = api.get(f"transactions/{called}").get_json()["data"]["request_body"]
    assert json.loads(body) == CALL["json"]


def test_a_rerun_repeats_the_body_that_was_sealed(
    called: str, container: Container, api: Any
) -> None:
    with container.database.writing() as session:
        session.delete(session.get_one(StoredRequest, uuid.UUID(called)))
    made = api.post(f"transactions/{called}/rerun")
    assert made.status_code == 202, made.text
    with container.database.reading() as session:
        again = session.scalars(
            select(Transaction).where(Transaction.parent_id == uuid.UUID(called))
        ).one()
        copy = container.sealer.open(session.get_one(StoredRequest, again.correlation_id))
    assert json.loads(again.request_body) == json.loads(copy.body) == CALL["json"]
    assert PLANTED[0] not in _copied(container)


def test_a_key_is_turned_over_and_removed(
    called: str, container: Container, api: Any, keys: Path
) -> None:
    former = [*keys.glob("*.key")]
    made = sealing.create_key(keys)
    made.rename(keys / f"9{made.name}")
    sealer = _fresh(container)
    sealed, unreadable = _reseal(container, sealer)
    assert (sealed >= 2, unreadable) == (True, 0)
    assert _reseal(container, sealer) == (0, 0)
    for one in former:
        one.unlink()
    seals_texts(container.database, _fresh(container).texts)
    with container.database.reading() as session:
        call = session.get_one(Transaction, uuid.UUID(called))
        copy = _fresh(container).open(session.get_one(StoredRequest, call.correlation_id))
    assert json.loads(call.request_body) == json.loads(copy.body) == CALL["json"]
    seals_texts(container.database, container.sealer.texts)


def test_rows_of_an_installation_without_key_files_are_sealed(
    called: str, container: Container
) -> None:
    id_ = uuid.UUID(called)
    core = sealing.Sealer(sealing.KeyFolder(Path("none")), container.signer.storage_keys)
    copy = RequestCopy("/patients/1", "", [], b"\x00body")
    with container.database.engine.begin() as connection:
        connection.execute(
            update(Transaction).values(request_body=PLANTED[0], response_body=NOT_STORED)
        )
        row = Sealer(core).row(id_, copy)
        assert row["raw_path"] == "/patients/1"
        connection.execute(update(StoredRequest).values(row))
    with container.database.reading() as session:
        assert session.get_one(Transaction, id_).request_body == PLANTED[0]
        assert container.sealer.open(session.get_one(StoredRequest, id_)) == copy
    _reseal(container, container.sealer)
    seen = _copied(container)
    assert PLANTED[0] not in seen
    assert NOT_STORED in seen
    with container.database.reading() as session:
        stored = session.get_one(StoredRequest, id_)
        assert session.get_one(Transaction, id_).request_body == PLANTED[0]
        assert (stored.raw_path, container.sealer.open(stored)) == ("", copy)


def test_a_body_whose_key_is_gone_says_so_and_is_not_repeated(
    called: str, container: Container, api: Any, keys: Path
) -> None:
    for one in keys.glob("*.key"):
        one.unlink()
    sealing.create_key(keys)
    seals_texts(container.database, _fresh(container).texts)
    shown = api.get(f"transactions/{called}").get_json()["data"]["request_body"]
    with container.database.writing() as session:
        session.delete(session.get_one(StoredRequest, uuid.UUID(called)))
    answer = api.post(f"transactions/{called}/rerun")
    seals_texts(container.database, container.sealer.texts)
    assert shown == LOCKED
    assert answer.status_code == 409


def test_commands_make_a_key_and_reseal(
    called: str, app: Flask, container: Container, keys: Path
) -> None:
    runner = app.test_cli_runner()
    before = {*keys.glob("*.key")}
    assert runner.invoke(args=["create-seal-key"]).exit_code == 0
    (made,) = {*keys.glob("*.key")} - before
    made.rename(keys / f"9{made.name}")
    done = runner.invoke(args=["reseal", "--pause", "0"])
    assert done.exit_code == 0, done.output
    assert "transactions.request_body: 1 sealed, 0 unreadable" in done.output
