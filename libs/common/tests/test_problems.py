"""Every error is answered as a problem: the right status, the field's name, nothing private."""

import json
import logging
import socket
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from common import errors
from common.db.database import TYPES, Database, new_metadata, open_engine
from common.reasons import reasons
from common.settings import Environment
from common.texts import speaking
from common.web.problems import MEDIA_TYPE, problem, register_problem_handlers, status_of
from common.web.requests import register_request_context
from flask import Flask, abort, redirect
from sqlalchemy import ForeignKey, String, UniqueConstraint, create_engine, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from werkzeug.exceptions import MethodNotAllowed, RequestEntityTooLarge
from werkzeug.test import TestResponse


class Base(DeclarativeBase):
    metadata = new_metadata()
    type_annotation_map = TYPES


class Village(Base):
    __tablename__ = "villages"
    __table_args__ = (UniqueConstraint("ward", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(50), unique=True)
    ward: Mapped[str | None] = mapped_column(String(50))
    code: Mapped[str | None] = mapped_column(String(50))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("villages.id"))


class Custom(errors.Conflict):
    """A service's own error."""


class Teapot(errors.DomainError):
    """An error that no table lists."""


Answer = Callable[..., TestResponse]


@pytest.fixture
def answer() -> Answer:
    """What a route answers that does `act`."""

    def ask(act: Callable[[], Any], method: str = "GET", **kwargs: Any) -> TestResponse:
        app = Flask(__name__)
        register_problem_handlers(app)
        register_request_context(app)
        app.add_url_rule("/", view_func=act, methods=["GET", "POST"])
        return app.test_client().open("/", method=method, **kwargs)

    return ask


def raising(error: Exception) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotFound("gone"), 404),
        (errors.Conflict("twice"), 409),
        (Custom("twice"), 409),
        (errors.Invalid("wrong"), 422),
        (errors.Unauthenticated("who?"), 401),
        (errors.Forbidden("no"), 403),
        (errors.TooManyRequests("slow down", 7), 429),
        (errors.Unavailable("later"), 503),
        (Teapot("short and stout"), 400),
    ],
)
def test_domain_error_has_its_status(
    answer: Answer, error: errors.DomainError, status: int
) -> None:
    given = answer(raising(error), headers={"X-Correlation-Id": "correlation-1"})
    assert (given.status_code, status_of(error)) == (status, status)
    assert given.content_type == MEDIA_TYPE
    assert given.get_json() == {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": str(error),
        "ok": False,
        "error": str(error),
        "correlation_id": "correlation-1",
    }


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (errors.Unauthenticated("who?"), "WWW-Authenticate", "Bearer"),
        (errors.TooManyRequests("slow down", 7), "Retry-After", "7"),
        (MethodNotAllowed(["GET", "PUT"]), "Allow", "GET, PUT"),
        (errors.NotFound("gone"), "X-Correlation-Id", "correlation-1"),
    ],
)
def test_answer_carries_what_its_status_demands(
    answer: Answer, error: Exception, header: str, value: str
) -> None:
    given = answer(raising(error), headers={"X-Correlation-Id": "correlation-1"})
    assert given.headers[header] == value


def test_method_that_no_route_takes_is_405_with_allow(answer: Answer) -> None:
    given = answer(lambda: "", method="DELETE")
    assert given.status_code == 405
    assert set(given.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.parametrize(
    ("act", "status"),
    [
        (lambda: abort(404), 404),
        (lambda: abort(418), 418),
        (raising(RequestEntityTooLarge()), 413),
    ],
)
def test_abort_is_a_problem(answer: Answer, act: Callable[[], Any], status: int) -> None:
    given = answer(act)
    assert (given.status_code, given.get_json()["status"]) == (status, status)


def test_redirect_stays_one(answer: Answer) -> None:
    given = answer(lambda: abort(redirect("/elsewhere")))
    assert (given.status_code, given.headers["Location"]) == (302, "/elsewhere")


def test_invalid_input_names_its_fields(answer: Answer) -> None:
    given = answer(raising(errors.Invalid("wrong", {"name": ["Too long."]})))
    assert given.get_json()["errors"] == {"name": ["Too long."]}


@pytest.mark.parametrize(
    ("messages", "detail", "fields"),
    [
        (
            {"json": {"priority": ["Not a number."]}},
            "priority: Not a number.",
            {"priority": ["Not a number."]},
        ),
        (
            {"json": {"rows": {0: {"name": ["Missing."]}}}},
            "rows.0.name: Missing.",
            {"rows": {"0": {"name": ["Missing."]}}},
        ),
        ({"json": ["Not an object."]}, "Not an object.", {"_schema": ["Not an object."]}),
        ({"query": {"_schema": ["Odd."]}}, "Odd.", {"_schema": ["Odd."]}),
    ],
)
def test_schema_messages_become_fields(
    answer: Answer, messages: dict[str, Any], detail: str, fields: dict[str, Any]
) -> None:
    def act() -> Any:
        try:
            abort(422)
        except Exception as exc:
            exc.data = {"messages": messages}  # type: ignore[attr-defined]
            raise

    given = answer(act).get_json()
    assert (given["detail"], given["errors"]) == (detail, fields)


# --- the database's own words


@pytest.fixture
def villages(database: Database) -> Database:
    Base.metadata.create_all(database.engine)
    with database.writing() as session:
        session.add(Village(id=1, name="Moshi", ward="east", code="7"))
    return database


@pytest.mark.parametrize(
    ("given", "detail", "fields"),
    [
        ({"name": "Moshi"}, "name: taken by another record", {"name"}),
        (
            {"ward": "east", "code": "7"},
            "ward and code: taken by another record",
            {"ward", "code"},
        ),
        ({"parent_id": 99}, "This would contradict a record that already exists", set()),
    ],
)
def test_broken_constraint_is_409_in_our_words(
    answer: Answer, villages: Database, given: dict[str, Any], detail: str, fields: set[str]
) -> None:
    def act() -> Any:
        with villages.writing() as session:
            session.add(Village(id=2, **given))

    found = answer(act, method="POST")
    assert (found.status_code, found.get_json()["detail"]) == (409, detail)
    assert set(found.get_json().get("errors", {})) == fields


@pytest.fixture
def nobody(tmp_path: Any) -> Iterator[Database]:
    """A PostgreSQL that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    engine = open_engine(Environment(db_engine="postgres", postgres_port=port), "proxy")
    yield Database(engine)
    engine.dispose()


def test_database_that_is_away_is_503(answer: Answer, nobody: Database) -> None:
    def act() -> Any:
        with nobody.reading() as session:
            session.execute(text("SELECT 1"))

    given = answer(act)
    assert given.status_code == 503
    assert "Retry-After" in given.headers
    assert "127.0.0.1" not in given.get_data(as_text=True)


def test_database_without_a_free_connection_is_503(answer: Answer, tmp_path: Any) -> None:
    engine = create_engine(
        f"sqlite:///{tmp_path}/one.sqlite3", pool_size=1, max_overflow=0, pool_timeout=0.05
    )

    def act() -> Any:
        with engine.connect(), engine.connect():
            return ""

    assert answer(act).status_code == 503
    engine.dispose()


# --- what nobody expected


def test_unexpected_error_is_logged_and_not_shown(
    answer: Answer, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.ERROR):
        given = answer(raising(ZeroDivisionError("hunter2")))
    logged = caplog.text + "".join(capsys.readouterr())
    assert given.status_code == 500
    assert given.content_type == MEDIA_TYPE
    assert "hunter2" not in given.get_data(as_text=True)
    assert "unexpected_error" in logged


def test_problem_may_name_another_call() -> None:
    body = json.loads(json.dumps(problem(502, "away", correlation_id="c-2")))
    assert (body["correlation_id"], body["title"]) == ("c-2", "Bad Gateway")


@pytest.mark.parametrize(
    ("text", "french"),
    [
        ("Unknown field.", "Champ inconnu."),
        ("Must be one of: a, b.", "Doit être l’un de : a, b."),
        (
            "Must be greater than or equal to 1 and less than or equal to 9.",
            "Doit être compris entre 1 et 9.",
        ),
        ("Longer than maximum length 255.", "Plus long que la longueur maximale 255."),
        ("Nobody has translated this.", "Nobody has translated this."),
    ],
)
def test_reasons_of_libraries_are_read_in_the_readers_language(text: str, french: str) -> None:
    with speaking("fr"):
        assert reasons({"a": [text], "b": {"0": text}}) == {"a": [french], "b": {"0": french}}
    assert reasons({"a": [text]}) == {"a": [text]}
