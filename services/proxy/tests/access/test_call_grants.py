"""One-time grants: one call as a client, once, soon, and by all the rules for this client."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import new_id
from flask import Flask
from proxy.access.call_grants import LIFETIME, PREFIX, CallGrants
from proxy.access.clients import ensure_client
from proxy.container import Container
from proxy.models import CallGrant, RoutingVersion, Transaction
from proxy.retention import keep_bounded
from sqlalchemy import event, select, update

TESTER = "/admin/mediator/tester/"
CALLERS = 8
#: The mediator of these tests is away: a call that is let in finds nobody.
LET_IN = 502

Call = Callable[..., Any]


@pytest.fixture
def clinic(api: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.made("clients", **api.a_client())
    return made


@pytest.fixture
def ask(signed_in: Any) -> Callable[..., Any]:
    """Asks for a grant as the tester's script does."""

    def ask(client_id: str = "clinic", **form: str) -> Any:
        token = {"csrf_token": signed_in.form_token(TESTER), **form}
        return signed_in.client.post(
            f"{TESTER}grant/", data={"client": client_id, **token}, headers={"HX-Request": "true"}
        )

    return ask


@pytest.fixture
def call(served: Any, container: Container) -> Call:
    """Calls the channel with a secret, by the rules that are stored now."""

    def call(secret: str, path: str = "/patients/7", client_id: str = "clinic") -> Any:
        with container.database.writing() as session:
            session.execute(update(RoutingVersion).values(version=time.monotonic_ns() % 2**31))
        credentials = {"X-Client-Id": client_id, "X-Client-Secret": secret}
        return served.get(path, headers=credentials)

    return call


def issue(container: Container, client_id: str = "clinic") -> str:
    return container.grants.issue(client_id, "amina", utc_now())


def test_grant_stands_in_for_the_secret_once(
    ask: Any, call: Call, clinic: dict[str, Any], channel: dict[str, Any], signed_in: Any
) -> None:
    answer = ask()
    grant = answer.get_json()["grant"]

    first, second = call(grant), call(grant)

    assert answer.headers["Cache-Control"] == "no-store"
    assert (first.status_code, second.status_code) == (LET_IN, 403)
    page = signed_in.get(f"/admin/mediator/transactions/{first.headers['X-Correlation-Id']}/")
    assert "Made in the tester by</dt><dd>amina" in page.text
    assert "clinic" in page.text


def test_grant_lets_in_only_one_of_many_at_once(
    container: Container, clinic: dict[str, Any]
) -> None:
    grant = issue(container)
    together = threading.Barrier(CALLERS)

    def redeem(_number: int) -> bool:
        together.wait()
        return container.grants.redeem("clinic", grant, new_id(), utc_now())

    with ThreadPoolExecutor(CALLERS) as pool:
        assert sum(pool.map(redeem, range(CALLERS))) == 1


@pytest.mark.parametrize(
    ("age", "is_good"), [(LIFETIME - timedelta(seconds=1), True), (LIFETIME, False)]
)
def test_grant_ends_after_its_time(
    container: Container, clinic: dict[str, Any], age: timedelta, is_good: bool
) -> None:
    now = utc_now()
    grant = container.grants.issue("clinic", "amina", now)

    assert container.grants.redeem("clinic", grant, new_id(), now + age) is is_good


def test_grant_lives_for_a_minute_at_most() -> None:
    assert timedelta(seconds=60) >= LIFETIME


def test_grant_is_for_its_client_only(
    api: Any, call: Call, container: Container, clinic: dict[str, Any], channel: dict[str, Any]
) -> None:
    api.made("clients", **api.a_client(client_id="lab"))
    grant = issue(container)

    assert call(grant, client_id="lab").status_code == 403
    assert call(grant).status_code == LET_IN


def test_invented_grant_is_a_wrong_secret(
    call: Call, clinic: dict[str, Any], channel: dict[str, Any]
) -> None:
    assert call(f"{PREFIX}invented").json()["error"] == "Invalid client credentials"


def test_secret_that_looks_like_a_grant_works_on(
    call: Call, container: Container, channel: dict[str, Any]
) -> None:
    secret = f"{PREFIX}chosen by somebody"
    with container.database.writing() as session:
        ensure_client(session, {"client_id": "clinic", "name": "Clinic", "client_secret": secret})

    assert [call(secret).status_code for _ in range(2)] == [LET_IN, LET_IN]


@pytest.mark.parametrize(
    ("noun", "change", "reason"),
    [
        ("clients", {"is_active": False}, "Invalid client credentials"),
        ("clients", {"allowed_ips": ["192.0.2.0/24"]}, "Client IP is not allowed"),
        ("channels", {"allow": ["others"]}, "Client is not allowed on this channel"),
    ],
)
def test_rules_hold_for_a_granted_call(
    api: Any,
    call: Call,
    container: Container,
    clinic: dict[str, Any],
    channel: dict[str, Any],
    noun: str,
    change: dict[str, Any],
    reason: str,
) -> None:
    grant = issue(container)
    record = {"clients": clinic, "channels": channel}[noun]
    assert api.patch(f"{noun}/{record['id']}/", change).status_code == 200

    refused = call(grant)

    assert (refused.status_code, refused.json()["error"]) == (403, reason)


def test_grant_opens_nothing_but_a_call(
    app: Flask, call: Call, container: Container, clinic: dict[str, Any], channel: dict[str, Any]
) -> None:
    grant = issue(container)
    secrets = {"client_id": "clinic", "client_secret": grant, "grant_type": "client_credentials"}

    token = app.test_client().post("/oauth/token", data=secrets)
    state = call(grant, f"/transactions/{new_id()}/")

    assert (token.status_code, state.status_code) == (401, 403)
    assert call(grant).status_code == LET_IN


def test_grant_is_found_in_no_row(
    call: Call, container: Container, clinic: dict[str, Any], channel: dict[str, Any]
) -> None:
    grant = issue(container)
    assert call(grant).status_code == LET_IN

    with container.database.reading() as session:
        kept = session.scalars(select(CallGrant)).one()
        made = session.scalars(select(Transaction)).one()
    assert grant not in str(vars(kept)) + str(vars(made))
    assert made.request_headers["X-Client-Secret"] == "***"
    assert (kept.correlation_id, kept.staff_name) == (made.correlation_id, "amina")


def test_ordinary_secret_asks_for_no_grant(
    call: Call, container: Container, clinic: dict[str, Any], channel: dict[str, Any]
) -> None:
    asked: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(container.database.engine, "before_cursor_execute", note)
    try:
        assert call(clinic["client_secret"]).status_code == LET_IN
        assert not any("call_grants" in statement for statement in asked)
        call(f"{PREFIX}invented")
        assert any("call_grants" in statement for statement in asked)
    finally:
        event.remove(container.database.engine, "before_cursor_execute", note)


def test_grant_outlives_a_new_key(container: Container, clinic: dict[str, Any]) -> None:
    before = CallGrants(container.database, lambda: [b"old"])
    after = CallGrants(container.database, lambda: [b"old", b"new"])
    other = CallGrants(container.database, lambda: [b"other"])
    grant = before.issue("clinic", "amina", utc_now())

    assert not other.redeem("clinic", grant, new_id(), utc_now())
    assert after.redeem("clinic", grant, new_id(), utc_now())


@pytest.mark.parametrize("is_known", [True, False])
def test_no_grant_for_a_client_that_may_not_call(api: Any, ask: Any, is_known: bool) -> None:
    if is_known:
        api.made("clients", **api.a_client(is_active=False))
    refused = ask()

    assert (refused.status_code, refused.get_json()["error"]) == (404, "No such active client")


def test_grant_needs_a_client_and_the_pages_token(ask: Any, clinic: dict[str, Any]) -> None:
    assert ask("").status_code == 422
    assert ask(csrf_token="made up").status_code == 403
    assert ask().status_code == 200


def test_viewer_gets_no_grant(
    api: Any, browser: Any, container: Container, clinic: dict[str, Any]
) -> None:
    api.made("staff", **api.a_member(role="viewer"))
    browser.sign_in()
    token = browser.form_token("/admin/")

    answer = browser.post(f"{TESTER}grant/", client="clinic", csrf_token=token)

    assert answer.status_code == 403
    with container.database.reading() as session:
        assert session.scalars(select(CallGrant)).all() == []


def test_retention_forgets_who_made_a_call_with_the_call(
    container: Container, clinic: dict[str, Any]
) -> None:
    days = timedelta(days=container.settings.transaction_retention_days)
    for age in (days - timedelta(hours=1), days + timedelta(hours=1)):
        container.grants.issue("clinic", "amina", utc_now() - age)

    assert keep_bounded(container.database, container.settings)["call_grants"] == 1
