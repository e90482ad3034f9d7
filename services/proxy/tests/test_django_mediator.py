"""The Django mediator's settings, staff and calls move in: once, and no secret shows."""

import base64
import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django_mediator_schema as old
import pytest
import sqlalchemy as sa
from click.testing import Result
from common.importing.source import Source
from flask import Flask
from proxy.container import Container
from proxy.django_mediator import transactions as calls
from proxy.django_mediator.command import bring_all
from proxy.django_mediator.passwords import as_werkzeug
from proxy.django_mediator.registry import pattern_of
from proxy.models import (
    Channel,
    Client,
    ExternalSystemRegistration,
    HourlyRollup,
    Mediator,
    StaffUser,
    Transaction,
    TransactionStatus,
)
from proxy.registry.versions import semantic_version
from proxy.retention import keep_bounded
from proxy.statistics.rollup_job import roll_up_past_hours
from raw_mediator import RawMediator, answer
from sqlalchemy import func, select
from werkzeug.security import check_password_hash

NOW = datetime.now(UTC).replace(microsecond=0)
SECRET = "clinic secret, chosen long ago"
PASSWORD = "the old password"
CORRELATION_ID = uuid.UUID("6f1c1d0e-57a3-4d2a-9a60-0b8f6f3d4f11")


def django_hash(password: str) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), b"seasalt", 1000)
    return f"pbkdf2_sha256$1000$seasalt${base64.b64encode(digest).decode()}"


@pytest.fixture
def mediator_url(app: Flask, container: Container, tmp_path: Path) -> Iterator[str]:
    """An empty database of the mediator, on the same kind of database as ours."""
    override = container.settings.database_url_override
    url = override or f"sqlite:///{tmp_path / 'mediator.sqlite3'}"
    engine = old_engine(url)
    old.METADATA.drop_all(engine)
    old.METADATA.create_all(engine)
    yield url
    old.METADATA.drop_all(engine)
    engine.dispose()


def old_engine(url: str) -> sa.Engine:
    return sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))


@pytest.fixture
def put(mediator_url: str) -> Callable[..., None]:
    """Puts rows into the mediator's tables."""

    def put_rows(table: sa.Table, *rows: dict[str, Any]) -> None:
        engine = old_engine(mediator_url)
        old.put(engine, table, *rows)
        engine.dispose()

    return put_rows


@pytest.fixture
def change(mediator_url: str) -> Callable[..., None]:
    """Changes a row of the mediator."""

    def change_row(table: sa.Table, id_: int, **values: Any) -> None:
        engine = old_engine(mediator_url)
        with engine.begin() as connection:
            connection.execute(sa.update(table).where(table.c.id == id_).values(**values))
        engine.dispose()

    return change_row


def a_call(id_: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "correlation_id": uuid.uuid5(CORRELATION_ID, str(id_)),
        "channel_id": 3,
        "client_id": 7,
        "status": "successful",
        "request_method": "get",
        "request_url": "http://127.0.0.1:9/base/patients/17?api_key=abc&full=1",
        "request_headers": {"X-Client-Secret": SECRET, "Accept": "*/*"},
        "request_body": "",
        "response_status_code": 200,
        "response_headers": {"Content-Type": "application/json"},
        "response_body": "{}",
        "error_message": "",
        "started_at": NOW - timedelta(days=2, seconds=id_),
        "completed_at": NOW - timedelta(days=2, seconds=id_) + timedelta(milliseconds=12),
        **changes,
    }


@pytest.fixture
def filled(put: Callable[..., None]) -> None:
    """One record of each kind that comes over, and of most that cannot."""
    put(
        old.CLIENT,
        {"id": 7, "name": "Clinic", "client_id": "clinic", "client_secret": SECRET,
         "allowed_ips": [], "is_active": True, "updated_at": NOW},
        {"id": 8, "name": "Bad", "client_id": "bad", "client_secret": "another secret",
         "allowed_ips": ["not an address"], "is_active": True, "updated_at": NOW},
        {"id": 9, "name": "Empty", "client_id": "empty", "client_secret": "",
         "allowed_ips": [], "is_active": True, "updated_at": NOW},
    )  # fmt: skip
    put(
        old.MEDIATOR,
        {"id": 2, "name": "Registry", "urn": "urn:mediator:registry", "version": "1.0",
         "endpoint_url": "http://127.0.0.1:9/base/", "is_online": True,
         "last_heartbeat": NOW - timedelta(days=30), "updated_at": NOW},
        {"id": 4, "name": "Odd", "urn": "urn:mediator:odd", "version": "1.0.0",
         "endpoint_url": "http://user:pass@127.0.0.1/", "is_online": True, "updated_at": NOW},
    )  # fmt: skip
    channel = {"description": "", "requires_request_body": False, "request_content_type": "",
               "request_body_example": "", "request_body_schema": {}, "channel_type": "http",
               "priority": 1, "is_active": True, "mediator_id": 2, "updated_at": NOW}  # fmt: skip
    put(
        old.CHANNEL,
        {**channel, "id": 3, "name": "Patients", "path_pattern": "patients/*", "methods": ["get"]},
        {**channel, "id": 5, "name": "Begins", "path_pattern": "/pre*", "methods": None,
         "channel_type": "https", "priority": 0},
        {**channel, "id": 6, "name": "Lost", "path_pattern": "/lost", "methods": [],
         "mediator_id": 4},
        {**channel, "id": 8, "name": "Reserved", "path_pattern": "/admin/x", "methods": []},
    )  # fmt: skip
    put(
        old.REGISTRATION,
        {"id": 1, "channel_id": 3, "organization": "MOH", "api_code": "A", "push_code": None,
         "is_active": True, "updated_at": NOW},
        {"id": 2, "channel_id": None, "organization": "MOH", "api_code": None, "push_code": "P",
         "is_active": True, "updated_at": NOW},
        {"id": 3, "channel_id": None, "organization": "None", "api_code": None, "push_code": None,
         "is_active": True, "updated_at": NOW},
    )  # fmt: skip
    user = {"email": "", "is_active": True, "is_staff": True, "is_superuser": False}
    put(
        old.USER,
        {**user, "id": 1, "username": "amina", "password": django_hash(PASSWORD),
         "is_superuser": True},
        {**user, "id": 2, "username": "juma", "password": django_hash("another password")},
        {**user, "id": 3, "username": "nobody", "password": "!unusable"},
        {**user, "id": 4, "username": "visitor", "password": django_hash("x"), "is_staff": False},
        {**user, "id": 5, "username": "argon", "password": "argon2$argon2id$v=19$x"},
    )  # fmt: skip
    put(
        old.TRANSACTION,
        a_call(1, correlation_id=CORRELATION_ID),
        a_call(2, status="failed", response_status_code=502, error_message="timed out"),
        a_call(3, status="processing", completed_at=None, response_status_code=None),
        a_call(4, status="pending", started_at=NOW, completed_at=None),
        a_call(5, started_at=NOW - timedelta(days=400)),
        a_call(6, client_id=None, channel_id=None),
    )


@pytest.fixture
def command(app: Flask, mediator_url: str) -> Callable[..., Result]:
    """Runs the command."""

    def run_command(*arguments: str) -> Result:
        with app.app_context():
            done = app.test_cli_runner().invoke(
                args=["import-django-mediator", "--database-url", mediator_url, *arguments]
            )
        assert done.exit_code == 0, done.output
        return done

    return run_command


MODELS = (Client, Mediator, Channel, ExternalSystemRegistration, StaffUser, Transaction)


def counts(container: Container) -> dict[str, int]:
    with container.database.reading() as session:
        return {
            model.__name__: session.scalar(select(func.count()).select_from(model)) or 0
            for model in MODELS
        }


def one(container: Container, model: Any, **by: Any) -> Any:
    with container.database.reading() as session:
        return session.scalars(select(model).filter_by(**by)).one()


EXPECTED = {
    "Client": 1,
    "Mediator": 1,
    "Channel": 2,
    "ExternalSystemRegistration": 2,
    "StaffUser": 2,
    "Transaction": 4,
}


@pytest.mark.usefixtures("filled")
def test_everything_comes_over_once_however_often_it_is_asked_for(
    command: Callable[..., Result], container: Container
) -> None:
    first = command().output
    assert counts(container) == EXPECTED
    versions = [one(container, Client, client_id="clinic").updated_at]
    again = command().output
    assert counts(container) == EXPECTED
    versions.append(one(container, Client, client_id="clinic").updated_at)
    assert versions[0] == versions[1]
    table = [line.split() for line in again.splitlines() if line.startswith("transaction")]
    assert table[0] == ["transaction", "6", "4", "4", "0", "0", "4", "2"]
    for name in ("bad", "empty", "urn:mediator:odd", "Lost", "Reserved", "None", "nobody"):
        assert name in first
    assert "hashed by argon2" in first
    assert "has not ended yet: import again" in first
    assert "older than 90 days" in first
    for secret in (SECRET, "another secret", PASSWORD, "seasalt", "user:pass"):
        assert secret not in first + again


@pytest.mark.usefixtures("filled")
def test_a_dry_run_says_the_same_and_changes_nothing(
    command: Callable[..., Result], container: Container
) -> None:
    said = command("--dry-run").output
    assert counts(container) == dict.fromkeys(EXPECTED, 0)
    really = command().output
    for kind in ("client", "mediator", "channel", "registration", "staff"):
        row = [line for line in said.splitlines() if line.startswith(kind)]
        assert row == [line for line in really.splitlines() if line.startswith(kind)]
    assert [line for line in said.splitlines() if "transaction (" in line] == [
        line for line in really.splitlines() if "transaction (" in line
    ]


@pytest.mark.usefixtures("filled")
def test_settings_are_what_the_mediator_did_with_them(
    command: Callable[..., Result], container: Container
) -> None:
    command("--scope", "notification:emit")
    assert one(container, Client, client_id="clinic").scopes == ["notification:emit"]
    mediator = one(container, Mediator, urn="urn:mediator:registry")
    assert (mediator.version, mediator.is_online, mediator.last_heartbeat) == ("1.0.0", True, None)
    patients = one(container, Channel, name="Patients")
    assert (patients.path_pattern, patients.methods) == ("/patients/*", ["GET"])
    assert patients.request_body_schema is None
    begins = one(container, Channel, name="Begins")
    assert (begins.path_pattern, begins.channel_type, begins.priority) == ("^/pre", "http", 1)
    registered = one(container, ExternalSystemRegistration, channel_id=patients.id)
    assert (registered.api_code, registered.push_code, registered.allow) == ("A", "", None)
    assert one(container, StaffUser, username="amina").role == "admin"
    assert one(container, StaffUser, username="juma").role == "operator"


@pytest.mark.usefixtures("filled")
def test_calls_are_on_record_without_what_is_secret(
    command: Callable[..., Result], container: Container, api: Any
) -> None:
    command()
    done = one(
        container, Transaction, correlation_id=calls.former_transaction_id(
            CORRELATION_ID, NOW - timedelta(days=2, seconds=1)
        ),
    )  # fmt: skip
    assert done.request_url == "/patients/17?api_key=***&full=1"
    assert done.request_headers == {"X-Client-Secret": "***", "Accept": "*/*"}
    assert (done.client_name, done.channel_name) == ("clinic", "Patients")
    assert (done.request_method, done.duration_ms) == ("GET", pytest.approx(12))
    given_up = one(container, Transaction, error_message=calls.INTERRUPTED)
    assert given_up.status is TransactionStatus.FAILED
    # Ids sort by time, so that filters by time and retention find them.
    since = (NOW - timedelta(days=3)).isoformat().replace("+00:00", "Z")
    assert api.get("transactions/", since=since).get_json()["count"] == 4
    assert api.get("transactions/", until=since).get_json()["count"] == 0


@pytest.mark.usefixtures("filled")
def test_what_changed_there_comes_again_and_what_changed_here_stays(
    command: Callable[..., Result],
    container: Container,
    change: Callable[..., None],
    api: Any,
) -> None:
    command()
    patients = one(container, Channel, name="Patients")
    api.patch(f"channels/{patients.id}/", {"description": "Ours"})
    api.patch(f"clients/{one(container, Client).id}/", {"scopes": ["proxy:read"]})
    command()
    assert one(container, Channel, name="Patients").description == "Ours"
    change(old.CHANNEL, 3, priority=5, updated_at=NOW + timedelta(seconds=1))
    change(old.CLIENT, 7, client_secret="a new secret", updated_at=NOW + timedelta(seconds=1))
    command()
    assert one(container, Channel, name="Patients").priority == 5
    client = one(container, Client)
    assert client.scopes == ["proxy:read"]
    hashes = [secret.secret_hash for secret in client.secrets]
    assert container.secrets.check("clinic", "a new secret", hashes)
    assert not container.secrets.check("clinic", SECRET, hashes)


@pytest.mark.usefixtures("filled")
def test_what_was_here_before_is_not_overwritten(
    command: Callable[..., Result], container: Container, api: Any
) -> None:
    made = api.made("clients", **api.a_client())
    said = command().output
    hashes = [secret.secret_hash for secret in one(container, Client).secrets]
    assert container.secrets.check("clinic", made["client_secret"], hashes)
    assert "client (1): was here already and stays as it is here: clinic" in said


def test_a_client_calls_with_its_old_secret_and_its_old_numbers(
    filled: None,
    command: Callable[..., Result],
    change: Callable[..., None],
    served: Any,
) -> None:
    upstream = RawMediator()
    try:
        upstream.default = answer(b'{"id": 17}')
        change(old.MEDIATOR, 2, endpoint_url=upstream.url)
        change(old.REGISTRATION, 1, is_active=False)  # it would lead to the bus
        command()
        headers = {"X-Client-Id": "clinic", "X-Client-Secret": SECRET}
        assert served.get("/patients/17", headers=headers).json() == {"id": 17}
        given = {"channel_id": 3, "method": "GET", "path": "/patients/17"}
        assert served.post("/integration/call", json=given, headers=headers).json() == {"id": 17}
        given["channel_id"] = 33
        assert served.post("/integration/call", json=given, headers=headers).status_code == 404
        state = served.get(f"/transactions/{CORRELATION_ID}/", headers=headers)
        assert state.json()["status"] == "successful"
        wrong = {"X-Client-Id": "clinic", "X-Client-Secret": "wrong"}
        assert served.get("/patients/17", headers=wrong).status_code == 403
    finally:
        upstream.close()


@pytest.mark.usefixtures("filled")
def test_staff_sign_in_with_the_old_password_whose_hash_is_replaced(
    command: Callable[..., Result], container: Container, browser: Any
) -> None:
    command()
    assert one(container, StaffUser, username="amina").password_hash.startswith("pbkdf2:sha256:")
    assert browser.sign_in("not the password").status_code != 303
    assert one(container, StaffUser, username="amina").password_hash.startswith("pbkdf2:sha256:")
    assert browser.sign_in(PASSWORD).status_code == 303
    replaced = one(container, StaffUser, username="amina").password_hash
    assert replaced.startswith("scrypt:")
    browser.sign_out(csrf_token=browser.form_token("/admin/"))
    assert browser.sign_in(PASSWORD).status_code == 303
    assert one(container, StaffUser, username="amina").password_hash == replaced
    command()
    assert one(container, StaffUser, username="amina").password_hash == replaced


@pytest.mark.usefixtures("filled")
def test_a_calls_former_id_is_forgotten_with_the_call(
    command: Callable[..., Result], container: Container
) -> None:
    command()
    assert keep_bounded(container.database, container.settings)["former_records"] == 0
    sooner = replace(container.settings, transaction_retention_days=1)
    removed = keep_bounded(container.database, sooner)
    assert (removed["transactions"], removed["former_records"]) == (4, 4)


@pytest.mark.usefixtures("filled")
def test_calls_of_hours_that_are_summed_up_are_counted(
    command: Callable[..., Result], put: Callable[..., None], container: Container
) -> None:
    counted = []
    for number in (100, 101):
        put(old.TRANSACTION, a_call(number))
        command()
        roll_up_past_hours(container.database, NOW)
        with container.database.reading() as session:
            counted.append(session.scalar(select(func.sum(HourlyRollup.calls))))
    assert counted == [5, 6]


@pytest.mark.usefixtures("filled")
def test_an_import_that_broke_off_goes_on(
    container: Container,
    mediator_url: str,
    put: Callable[..., None],
    command: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(old.TRANSACTION, *(a_call(number) for number in range(100, 1_000)))
    seen = 0

    def break_off(row: Any, *rest: Any) -> dict[str, Any]:
        nonlocal seen
        seen += 1
        if seen == 600:
            raise KeyboardInterrupt
        return convert(row, *rest)

    convert = calls.as_transaction
    monkeypatch.setattr(calls, "as_transaction", break_off)
    with pytest.raises(KeyboardInterrupt), Source(mediator_url) as source:
        bring_all(source, container, (), timedelta(days=90))
    assert 0 < counts(container)["Transaction"] < 904
    monkeypatch.undo()
    command()
    assert counts(container) == {**EXPECTED, "Transaction": 904}


def test_older_versions_without_some_tables_and_columns_can_be_read(
    filled: None, command: Callable[..., Result], container: Container, mediator_url: str
) -> None:
    engine = old_engine(mediator_url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE mediator_externalsystemregistration"))
        connection.execute(sa.text("ALTER TABLE mediator_channel DROP COLUMN request_body_schema"))
        connection.execute(sa.text("ALTER TABLE mediator_channel DROP COLUMN updated_at"))
    engine.dispose()
    command()
    assert counts(container) == {**EXPECTED, "ExternalSystemRegistration": 0}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:////nowhere/mediator.sqlite3", "There is no file /nowhere/mediator.sqlite3"),
        ("mysql://root:pw@127.0.0.1/x", "SQLite or PostgreSQL only"),
        ("not a url pw", "The database URL cannot be read"),
        ("postgresql://root:pw@127.0.0.1:9/x", "A database cannot be reached"),
    ],
)
def test_a_database_that_cannot_be_read_is_named_without_its_password(
    app: Flask, url: str, said: str
) -> None:
    with app.app_context():
        done = app.test_cli_runner().invoke(args=["import-django-mediator", "--database-url", url])
    assert done.exit_code == 1
    assert said in done.output
    assert "pw" not in done.output


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.0", "1.0.0"), ("v2", "2.0.0"), ("", "1.0.0"), ("1.2.3-rc.1", "1.2.3-rc.1")],
)
def test_versions(text: str, expected: str) -> None:
    assert semantic_version(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("integrations/x", "/integrations/x"),
        ("/lab/*", "/lab/*"),
        ("/pre*", "^/pre"),
        ("/a.b*", r"^/a\.b"),
        ("/a*b", r"^/a\*b$"),
        ("*", "/*"),
    ],
)
def test_patterns(text: str, expected: str) -> None:
    assert pattern_of(text) == expected


def test_a_hash_of_django_verifies_as_it_is() -> None:
    assert check_password_hash(as_werkzeug(django_hash(PASSWORD)), PASSWORD)
