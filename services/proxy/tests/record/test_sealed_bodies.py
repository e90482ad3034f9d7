"""A copied database shows no body, address or header; the API, reruns and a turned-over key do."""

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from common import sealing
from common.clock import utc_now
from common.db.sealed_texts import LOCKED, seals_texts
from common.resealing import reseal_column
from flask import Flask
from proxy.container import Container
from proxy.models import (
    Base,
    Difference,
    RerunTask,
    ShadowDifference,
    StoredRequest,
    Transaction,
)
from proxy.models.sealed import UNSAID
from proxy.record.resealing import sealed_columns
from proxy.record.rows import NOT_STORED
from proxy.record.sealing import RequestCopy, Sealer
from proxy.record.transactions import TransactionFilter
from sqlalchemy import select, update
from waiting import eventually

PLANTED = [f"patient-{n:05}-amina" for n in range(20)]
ADDRESS = f"/patients/{PLANTED[0]}?name={PLANTED[1]}"
HEADERS = {"X-Patient": PLANTED[2]}
CALL = {"json": {"patients": PLANTED}, "auth": ("clinic", "s" * 32), "headers": HEADERS}


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
    answer = served.post(ADDRESS, **CALL)
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


def test_a_copied_database_shows_nothing_of_a_call_and_the_api_all(
    called: str, container: Container, api: Any
) -> None:
    seen = _copied(container)
    assert called.replace("-", "") in seen.replace("-", "")
    assert not [one for one in PLANTED if one in seen]
    assert f"/patients/{UNSAID}" in seen
    shown = api.get(f"transactions/{called}").get_json()["data"]
    assert json.loads(shown["request_body"]) == CALL["json"]
    assert (shown["request_url"], shown["request_headers"]["X-Patient"]) == (ADDRESS, PLANTED[2])


@pytest.mark.parametrize("query", [{"path": ADDRESS[:20]}, {"path": "/pa"}, {"q": PLANTED[1]}])
def test_a_call_is_found_by_its_sealed_address(
    called: str, api: Any, query: dict[str, str]
) -> None:
    found = api.get("transactions/", **query).get_json()
    assert [(one["correlation_id"], one["request_url"]) for one in found["data"]] == [
        (called, ADDRESS)
    ]
    assert not api.get("transactions/", path="/patients/nobody").get_json()["data"]


def test_an_answers_headers_are_sealed_as_they_change(
    record: Any, container: Container, api: Any
) -> None:
    call = record(response_headers={"X-Patient": PLANTED[0]})
    with container.database.writing() as session:
        found = session.get_one(Transaction, uuid.UUID(call))
        found.response_headers = {**(found.response_headers or {}), "X-Name": PLANTED[1]}
    shown = api.get(f"transactions/{call}").get_json()["data"]
    assert shown["response_headers"] == {"X-Patient": PLANTED[0], "X-Name": PLANTED[1]}
    assert not [one for one in PLANTED if one in _copied(container)]


def test_what_a_task_looks_for_is_sealed(called: str, container: Container, api: Any) -> None:
    task = api.made("tasks", filter={"path": ADDRESS, "method": "POST"})["id"]
    assert not [one for one in PLANTED if one in _copied(container)]
    assert api.get(f"tasks/{task}/").json["filter"] == {"path": ADDRESS, "method": "POST"}
    with container.database.engine.begin() as connection:
        stored = connection.scalar(select(RerunTask.__table__.c.filter))
    with pytest.raises(TypeError):  # as the version before reads it
        TransactionFilter(**stored)


def test_what_was_rejected_or_differs_shows_no_address(
    served: Any, container: Container, api: Any, called: str
) -> None:
    served.get(f"/nowhere/{PLANTED[0]}", **CALL)
    difference = ShadowDifference(
        correlation_id=uuid.UUID(called),
        compared_at=utc_now(),
        channel_name="Near",
        client_name="clinic",
        request_method="GET",
        request_url=ADDRESS,
        difference=Difference.BODY,
        status_code=200,
        content_type="",
        members=[f"/{PLANTED[3]}"],
        note="",
    )
    with container.database.writing() as session:
        session.add(difference)
    eventually(lambda: api.get("rejections/").get_json()["data"])
    assert not [one for one in PLANTED if one in _copied(container)]
    for listed, name in (("rejections", "request_path"), ("shadow-differences", "request_url")):
        start = "/nowhere/p" if listed == "rejections" else ADDRESS
        (found,) = api.get(f"{listed}/", path=start).get_json()["data"]
        assert PLANTED[0] in found[name]
        assert PLANTED[0] in str(found.get("nearest", PLANTED))
        nothing = api.get(f"{listed}/", path="/elsewhere").get_json()
        assert (nothing["data"], nothing["searched_back_to"]) == ([], None)


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
    assert (call.request_url, call.request_headers["X-Patient"]) == (ADDRESS, PLANTED[2])
    seals_texts(container.database, container.sealer.texts)


def test_rows_of_an_installation_without_key_files_are_sealed(
    called: str, container: Container
) -> None:
    id_ = uuid.UUID(called)
    core = sealing.Sealer(sealing.KeyFolder(Path("none")), container.signer.storage_keys)
    copy = RequestCopy("/patients/1", "", [], b"\x00body")
    with container.database.engine.begin() as connection:
        connection.execute(
            update(Transaction).values(
                request_body=PLANTED[0],
                response_body=NOT_STORED,
                request_url=ADDRESS,
                request_headers=HEADERS,
                request_head=None,
                response_headers=HEADERS,
                response_head=None,
            )
        )
        row = Sealer(core).row(id_, copy)
        assert row["raw_path"] == "/patients/1"
        connection.execute(update(StoredRequest).values(row))
    with container.database.reading() as session:
        assert session.get_one(Transaction, id_).request_body == PLANTED[0]
        assert container.sealer.open(session.get_one(StoredRequest, id_)) == copy
    _reseal(container, container.sealer)
    seen = _copied(container)
    assert not [one for one in PLANTED if one in seen]
    assert NOT_STORED in seen
    with container.database.reading() as session:
        call = session.get_one(Transaction, id_)
        assert (call.request_url, call.request_headers) == (ADDRESS, HEADERS)
        assert call.response_headers == HEADERS
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
    shown = api.get(f"transactions/{called}").get_json()["data"]
    with container.database.writing() as session:
        session.delete(session.get_one(StoredRequest, uuid.UUID(called)))
    answer = api.post(f"transactions/{called}/rerun")
    seals_texts(container.database, container.sealer.texts)
    assert (shown["request_body"], shown["request_url"]) == (LOCKED, LOCKED)
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
