"""The audit log: events are chained in the transaction of their change; every break is found."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from common.audit.chain import Actor, Draft, Source, append
from common.audit.changes import Kind
from common.audit.export import FORMATS
from common.audit.log import (
    AuditLog,
    AuditRules,
    note,
    note_act,
    record_act,
    register_audit_log,
)
from common.audit.models import AuditTables, CheckpointColumns, EventColumns, HeadColumns
from common.audit.requests import register_audited_requests
from common.audit.retention import purge
from common.audit.schema import create_audit_tables, drop_audit_tables
from common.audit.search import matching
from common.audit.verify import rows_after, verify
from common.clock import utc_now
from common.db.database import TYPES, Database, new_metadata
from common.web.problems import register_problem_handlers
from common.web.requests import register_request_context
from common.web.tokens import Identity
from flask import Flask, Response, g, request
from sqlalchemy import Connection, ForeignKey, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from structlog.testing import capture_logs

WRITERS, ACTS = 6, 10
AMINA = Actor("staff", "amina")


class Base(DeclarativeBase):
    metadata = new_metadata()
    type_annotation_map = TYPES


class Gate(Base):
    __tablename__ = "gates"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    code: Mapped[str] = mapped_column(default="")
    password: Mapped[str] = mapped_column(default="open sesame")
    keys: Mapped[list["Key"]] = relationship(cascade="all, delete-orphan")


class Key(Base):
    __tablename__ = "keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    gate_id: Mapped[int] = mapped_column(ForeignKey("gates.id"))


class AuditEvent(EventColumns, Base):
    pass


class AuditHead(HeadColumns, Base):
    pass


class AuditCheckpoint(CheckpointColumns, Base):
    pass


TABLES = AuditTables(AuditEvent, AuditHead, AuditCheckpoint)
RULES = AuditRules(
    kinds={
        Gate: Kind("gate", lambda gate: str(gate.name), digested=frozenset({"code"})),
        Key: Kind("key"),
    },
    not_acts={"ask": "a question"},
    views={"look": "gate.viewed"},
)


@pytest.fixture
def app(database: Database) -> Iterator[Flask]:
    """A small service: gates that a client changes, and one who looks at them."""
    Base.metadata.create_all(database.engine, tables=[Gate.__table__, Key.__table__])
    with database.writing() as session:
        create_audit_tables(session.connection())
    app = Flask(__name__)
    register_problem_handlers(app)
    register_request_context(app)
    register_audit_log(app, "gates", database, TABLES, RULES)
    register_audited_requests(app)

    @app.before_request
    def _who() -> None:
        if "Authorization" in request.headers:
            g.identity = Identity(request.headers["Authorization"])

    @app.post("/gates/<int:gate>")
    def make(gate: int) -> str:
        with database.writing() as session:
            session.add(Gate(id=gate, name=f"Gate {gate}", code="4711"))
        return ""

    @app.post("/gates/<int:gate>/bulk")
    def bulk(gate: int) -> str:
        with database.writing() as session:
            session.execute(update(Gate).where(Gate.id == gate).values(name="Bulk"))
        return ""

    @app.post("/knock/<user_id>")
    def knock(user_id: str) -> str:
        return f"nobody writes anything for {user_id}"

    @app.post("/ask")
    def ask() -> str:
        return ""

    @app.get("/gates/<int:gate>")
    def look(gate: int) -> str:
        return f"what is behind {gate}"

    @app.get("/gates")
    def export() -> Response:
        return Response("", headers={"Content-Disposition": 'attachment; filename="gates.csv"'})

    yield app
    with database.writing() as session:
        drop_audit_tables(session.connection())


@pytest.fixture
def log(app: Flask) -> AuditLog:
    found: AuditLog = app.extensions["kiungo-audit"]
    return found


def rows(log: AuditLog) -> list[dict[str, Any]]:
    with log.database.reading() as session:
        return list(rows_after(session, log.tables, 0))


def problem(log: AuditLog, known: str | None = None) -> str | None:
    with log.database.reading() as session:
        return verify(session, log.tables, known).problem


def put(log: AuditLog, *acts: str) -> None:
    for act in acts:
        log.record(Draft(act=act))


def by_hand(log: AuditLog, statement: str) -> None:
    """What somebody does who owns the database."""
    with log.database.engine.begin() as connection:
        without_triggers(connection)
        connection.execute(text(statement))


def without_triggers(connection: Connection) -> None:
    """Until this transaction is rolled back."""
    if connection.dialect.name == "sqlite":
        for name in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER IF EXISTS audit_events_no_{name}"))
    else:
        connection.execute(text("ALTER TABLE audit_events DISABLE TRIGGER ALL"))


def test_concurrent_writers_make_one_chain(log):
    def write(name: int) -> None:
        for turn in range(ACTS):
            put(log, f"writer{name}.act{turn}")

    writers = [threading.Thread(target=write, args=(name,)) for name in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = rows(log)
    assert [row["id"] for row in found] == list(range(1, WRITERS * ACTS + 1))
    assert len({row["act"] for row in found}) == WRITERS * ACTS
    assert problem(log) is None


def test_an_event_is_in_the_transaction_of_its_change(app, log):
    client = app.test_client()
    headers = {"Authorization": "clinic", "X-Real-IP": "192.0.2.7", "X-Correlation-Id": "c" * 8}
    assert client.post("/gates/1", headers=headers).status_code == 200
    assert client.post("/gates/1", headers=headers).status_code == 409  # rolled back with its event
    (row,) = rows(log)
    assert (row["act"], row["actor_kind"], row["actor"]) == ("gate.created", "client", "clinic")
    assert (row["object_id"], row["object_name"]) == ("1", "Gate 1")
    assert (row["address"], row["correlation_id"]) == ("192.0.2.7", "c" * 8)
    assert row["before"] is None
    assert "4711" not in row["after"]
    assert "sesame" not in row["after"]
    assert json.loads(row["after"])["code"].startswith("sha256:")


def test_before_and_after_hold_what_changed_and_orphans_end(app, log):
    with app.test_request_context(method="POST"):
        g.identity = Identity("clinic")
        with log.database.writing() as session:
            session.add(Gate(id=1, name="Old", keys=[Key(id=7)]))
        with log.database.writing() as session:
            gate = session.get(Gate, 1)
            gate.name, gate.keys = "New", []
        with log.database.writing() as session:
            session.get(Gate, 1).name = "New"  # nothing changes
    acts = [(row["act"], row["object_id"], row["before"], row["after"]) for row in rows(log)][2:]
    assert acts == [
        ("gate.updated", "1", '{"name":"Old"}', '{"name":"New"}'),
        ("key.deleted", "7", '{"gate_id":1,"id":7}', None),
    ]


def test_what_a_savepoint_takes_back_leaves_no_event(app, log):
    with app.test_request_context(method="POST"):
        g.identity = Identity("clinic")
        with log.database.writing() as session:
            session.add(Gate(id=1, name="Stays"))
            session.flush()
            attempt = session.begin_nested()
            session.add(Gate(id=2, name="Goes"))
            session.flush()
            attempt.rollback()
            with session.begin_nested():
                session.add(Gate(id=3, name="Stays, too"))
    assert [row["object_id"] for row in rows(log)] == ["1", "3"]
    assert problem(log) is None


@pytest.mark.parametrize(
    ("method", "path", "act"),
    [
        ("POST", "/gates/1/bulk", "bulk"),
        ("POST", "/knock/patient-4711", "knock"),
        ("GET", "/gates/1", "gate.viewed"),
        ("GET", "/gates/1?act=x&after=y&reason=4711", "gate.viewed"),
        ("GET", "/gates?q=secret&status=open", "list.exported"),
        ("POST", "/ask", None),
        ("GET", "/nothing", None),
    ],
)
def test_what_nobody_thought_of_is_noted_too(app, log, method, path, act):
    app.test_client().open(path, method=method, headers={"Authorization": "clinic"})
    assert [row["act"] for row in rows(log)] == ([act] if act else [])
    assert "4711" not in str(rows(log))
    assert "secret" not in str(rows(log))
    assert app.test_client().open(path, method=method).status_code < 500
    assert len(rows(log)) == bool(act)  # nobody is known to ask


def test_what_cannot_be_noted_is_not_shown(app, log):
    by_hand(log, "ALTER TABLE audit_events RENAME TO away")
    with capture_logs():
        answer = app.test_client().get("/gates/1", headers={"Authorization": "clinic"})
    by_hand_back = "ALTER TABLE away RENAME TO audit_events"
    with log.database.engine.begin() as connection:
        connection.execute(text(by_hand_back))
    assert answer.status_code >= 500
    assert "behind" not in answer.text


def test_the_database_rejects_changes(log):
    put(log, "a", "b")
    for statement in (
        "UPDATE audit_events SET act = 'c' WHERE id = 1",
        "DELETE FROM audit_events WHERE id = 2",
        "DELETE FROM audit_events",
    ):
        with pytest.raises(DBAPIError, match="never changed"), log.database.engine.begin() as one:
            one.execute(text(statement))
    assert len(rows(log)) == 2


BREAKS = [
    ("UPDATE audit_events SET actor = 'nobody' WHERE id = 2", "row 2 was changed"),
    ("UPDATE audit_events SET hash = previous_hash WHERE id = 3", "row 3 was changed"),
    ("DELETE FROM audit_events WHERE id = 2", "row 2 was removed"),
    ("DELETE FROM audit_events WHERE id = 1", "row 1 was removed"),
    ("DELETE FROM audit_events WHERE id > 2", "row 3 was removed"),
    ("DELETE FROM audit_events", "row 1 was removed"),
    ("UPDATE audit_head SET last_id = 2", "row 4 was added by hand"),
    ("UPDATE audit_head SET last_hash = 'x'", "row 4 is not the one that was written"),
    (
        "INSERT INTO audit_checkpoints SELECT 2, hash, at FROM audit_events WHERE id = 2",
        "rows up to 2 were removed, which no audit.purged says",
    ),
]


def test_each_break_is_named(log):
    put(log, "a", "b", "c", "d")
    assert problem(log) is None
    for statement, found in BREAKS:
        with log.database.writing() as session:
            without_triggers(session.connection())
            session.execute(text(statement))
            assert verify(session, log.tables).problem == found, statement
            session.rollback()
    assert problem(log) is None


def test_the_end_of_the_chain_is_in_the_log_once_it_is_committed(log):
    def fail() -> None:
        with log.database.writing() as session:
            note(session, Draft(act="b"))
            session.execute(text("SELECT nothing FROM nowhere"))

    with capture_logs() as lines:
        put(log, "a")
        with pytest.raises(DBAPIError):
            fail()
    assert [line["hash"] for line in lines] == [rows(log)[0]["hash"]]


def test_a_chain_that_was_written_anew_contradicts_a_noted_hash(log):
    put(log, "a", "b")
    noted = rows(log)[1]["hash"]
    assert problem(log, noted) is None
    by_hand(log, "DELETE FROM audit_events")
    with log.database.writing() as session:
        session.execute(update(AuditHead).values(last_id=0, last_hash="0" * 64))
    put(log, "a", "another")
    assert problem(log) is None
    assert "written anew" in (problem(log, noted) or "")


def test_retention_leaves_a_checkpoint_and_the_chain_goes_on(log):
    put(log, "a", "b", "c")
    middle = rows(log)[2]["at"]
    assert purge(log, middle) == 2
    put(log, "d")
    assert [row["act"] for row in rows(log)] == ["c", "audit.purged", "d"]
    assert problem(log) is None
    assert purge(log, middle) == 0
    assert purge(log, utc_now()) == 2  # the last event stays
    assert problem(log) is None
    with pytest.raises(DBAPIError), log.database.engine.begin() as one:
        one.execute(text("DELETE FROM audit_events"))


def test_filters_find_what_they_say(log):
    log.record(Draft(act="channel.updated", object_id="17", object_name="Patients", actor=AMINA))
    put(log, "client.created")
    with log.database.reading() as session:

        def found(**wanted: Any) -> list[str]:
            return list(session.scalars(matching(TABLES, **wanted)).all())

        assert len(found()) == 2
        for wanted in ({"who": "min"}, {"act": "channel."}, {"object": "patien"}, {"object": "17"}):
            assert [event.act for event in found(**wanted)] == ["channel.updated"]  # type: ignore[attr-defined]
        now = utc_now()
        assert len(found(until=now)) == 2
        assert not found(since=now)


def test_exports_say_the_same_in_three_formats(log):
    name = 'Patients "]\\ 17'
    log.record(Draft(act="staff.sign_in_rejected", object_name=name, after={"a": [1]}, actor=AMINA))
    (row,) = rows(log)
    line = {format_: write(row, "proxy") for format_, write in FORMATS.items()}
    assert json.loads(line["jsonl"])["after"] == {"a": [1]}
    assert line["syslog"].startswith("<108>1 2")
    assert 'object_name="Patients \\"\\]\\\\ 17"' in line["syslog"]
    fhir = json.loads(line["fhir"])
    assert fhir["resourceType"] == "AuditEvent"
    assert (fhir["type"]["code"], fhir["outcome"]) == ("110114", "4")
    assert fhir["agent"][0]["who"]["display"] == "amina"
    assert all("\n" not in text for text in line.values())


def test_rows_have_the_same_hash_on_both_databases(log):
    source = {"actor": AMINA, "address": "", "correlation_id": ""}
    with log.database.writing() as session:
        at = datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC)
        (row,) = append(session, TABLES, [Draft(act="é")], Source(at=at, **source))
    text = '[1,"2026-11-22T12:00:00.000001Z","staff","amina","\\u00e9","","","",null,null,"",""'
    assert row["hash"] == sha256(f'{text},"{"0" * 64}"]'.encode()).hexdigest()
    assert problem(log) is None


def test_notes_need_a_log(database):
    with database.writing() as session, pytest.raises(LookupError):
        note(session, Draft(act="a"))
    with database.writing() as session:
        note_act(session, "a.b")
        assert session.scalar(select(1)) == 1


def test_an_act_outside_of_any_request_is_nobodys(app, log):
    with app.app_context():
        record_act("key.created", "kid", algorithm="EdDSA")
    with log.database.writing() as session:
        session.add(Gate(id=1, name="The system's own"))
    (row,) = rows(log)
    assert (row["actor_kind"], row["actor"], row["object_kind"]) == ("command", "service", "key")
