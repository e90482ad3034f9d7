"""One's own account: password, authenticator app and recovery codes, sessions."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from common.clock import utc_now
from common.console.staff import StaffRole
from one_database import on_one_database
from proxy.access import totp
from proxy.container import Container

ACCOUNT = "/admin/account/"
SECOND = "/admin/login/second/"
STAFF = "/admin/mediator/staff/"
PASSWORD = "correct horse battery"
NEW = "wholly unlike anything before"


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock that codes are computed by, by seconds."""

    def move(seconds: float) -> None:
        def moved() -> Any:
            return utc_now() + timedelta(seconds=seconds)

        for module in ("account", "second_step"):
            monkeypatch.setattr(f"proxy.console.{module}.utc_now", moved)

    return move


@pytest.fixture
def again(app: Any, container: Container, browser: Any) -> Callable[[], Any]:
    """Another browser."""
    return lambda: type(browser)(app.test_client(), container)


def secret_on(page: str) -> str:
    return re.findall(r'id="app-secret">(\w+)<', page)[0]


def codes_on(page: str) -> list[str]:
    return re.findall(r"\b[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}\b", page)


def code_of(secret: str, seconds: float = 0) -> str:
    return pyotp.TOTP(secret).at(utc_now() + timedelta(seconds=seconds))


def enrol(browser: Any) -> tuple[str, list[str]]:
    """Set an app up; its secret, and the recovery codes."""
    secret = secret_on(browser.get(f"{ACCOUNT}app/").text)
    page = browser.act(f"{ACCOUNT}app/", code=code_of(secret))
    assert page.status_code == 200
    return secret, codes_on(page.text)


def second(browser: Any, code: str) -> Any:
    return browser.post(SECOND, csrf_token=browser.form_token(SECOND), code=code)


def test_app_is_asked_for_after_the_password_and_a_code_is_used_once(
    signed_in: Any, again: Any, at: Any, container: Container
) -> None:
    secret, codes = enrol(signed_in)
    assert (len(codes), len(set(codes))) == (totp.RECOVERY_CODES, totp.RECOVERY_CODES)
    assert "10 recovery codes are left" in signed_in.get(ACCOUNT).text

    first, other = again(), again()
    assert first.sign_in().headers["Location"] == SECOND
    assert first.get().status_code == 303  # a password alone is no session
    used = second(first, code_of(secret))
    assert used.status_code == 403  # it has enrolled the app
    at(30)
    assert second(first, f" {code_of(secret, 30)[:3]} {code_of(secret, 30)[3:]}").status_code == 303
    assert first.claims["proof"] == "code"
    other.sign_in()
    assert second(other, code_of(secret, 30)).status_code == 403
    step = other.client.get_cookie("kiungo_second", path="/admin/login")
    assert second(other, codes[0].upper().replace("-", " ")).status_code == 303
    other.client.set_cookie("kiungo_second", step.value, path="/admin/login")
    kept, other.session = other.session, ""
    assert second(other, codes[1]).headers["Location"] == "/admin/login/"  # the step is over
    other.session = kept
    assert "8 recovery codes are left" in other.get(ACCOUNT).text
    again_used = again()
    again_used.sign_in()
    assert second(again_used, codes[0]).status_code == 403

    stored = _stored(container)
    assert secret not in stored
    assert not any(code.replace("-", "") in stored for code in codes)


def _stored(container: Container) -> str:
    """All that the tables hold, and all that is known of it elsewhere."""
    with container.database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM staff_users").all()
        return repr(rows) + repr(connection.exec_driver_sql("SELECT * FROM audit_events").all())


@on_one_database()
def test_codes_are_throttled_from_wherever_they_come(signed_in: Any, again: Any) -> None:
    enrol(signed_in)
    signed_in.act(f"{ACCOUNT}sessions/end/")
    other = again()
    other.sign_in()

    statuses = [second(other, f"{n:06}").status_code for n in range(6)]

    assert statuses == [403] * 5 + [429]
    elsewhere = again()
    elsewhere.address = "203.0.113.9"
    elsewhere.sign_in()
    refused = second(elsewhere, "000000")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0


@on_one_database()
def test_step_of_another_password_is_none(
    signed_in: Any, again: Any, api: Any, member: Any
) -> None:
    secret, _ = enrol(signed_in)
    other = again()
    other.sign_in()
    form = other.form_token(SECOND)
    api.patch(f"staff/{member['id']}/", {"password": NEW})

    answer = other.post(SECOND, csrf_token=form, code=code_of(secret, 30))

    assert answer.headers["Location"] == "/admin/login/"
    assert other.session is None


@on_one_database()
def test_role_demands_a_second_factor(
    signed_in: Any, again: Any, container: Container, monkeypatch: pytest.MonkeyPatch, api: Any
) -> None:
    demanding = frozenset({StaffRole.OPERATOR})
    monkeypatch.setitem(vars(container.settings), "second_factor_roles", demanding)
    assert signed_in.get().status_code == 303  # its session is of a password alone

    browser = again()
    assert browser.sign_in(next="/admin/mediator/clients/").headers["Location"] == SECOND
    page = browser.get(SECOND).text
    assert "<svg" in page
    secret = secret_on(page)
    assert second(browser, "000000").status_code == 403
    assert browser.get().status_code == 303
    done = second(browser, code_of(secret))

    assert len(codes_on(done.text)) == totp.RECOVERY_CODES
    assert 'href="/admin/mediator/clients/"' in done.text
    assert browser.get().status_code == 200
    late = again()
    late.sign_in()
    assert "<svg" not in late.get(SECOND).text  # the password alone enrols no second app


@on_one_database()
def test_administrator_resets_who_has_lost_all(
    admin: Any, again: Any, api: Any, events: Callable[[], list[str]]
) -> None:
    lost = api.made("staff", **api.a_member(username="juma", role="viewer"))
    browser = again()
    browser.sign_in(username="juma")
    enrol(browser)

    assert admin.act(f"{STAFF}{lost['id']}/second-factor/reset/").status_code == 303

    assert browser.get().status_code == 303
    assert again().sign_in(username="juma").headers["Location"] == "/admin/"
    assert {"staff.app_enrolled", "staff.second_factor_reset"} <= set(events())


@pytest.fixture
def events(container: Container) -> Callable[[], list[str]]:
    def read() -> list[str]:
        with container.database.engine.connect() as connection:
            return list(connection.exec_driver_sql("SELECT act FROM audit_events").scalars())

    return read


def test_own_password_is_changed_and_other_sessions_end(signed_in: Any, again: Any) -> None:
    other = again()
    other.sign_in()
    path = f"{ACCOUNT}password/"
    for given in (
        {"current": "wrong", "password": NEW},
        {"current": PASSWORD, "password": "aaaaaaaaaaaa"},
        {"current": PASSWORD, "password": "password1234"},
        {"current": PASSWORD, "password": "amina-amina-amina"},
    ):
        refused = signed_in.act(path, **given)
        assert refused.status_code == 422
        assert NEW not in refused.text
    before = signed_in.session

    assert signed_in.act(path, current=PASSWORD, password=NEW).status_code == 303

    assert (signed_in.get().status_code, other.get().status_code) == (200, 303)
    signed_in.session, kept = before, signed_in.session
    assert signed_in.get().status_code == 303
    signed_in.session = kept
    assert again().sign_in().status_code == 403
    assert again().sign_in(NEW).status_code == 303


def test_sessions_are_listed_and_ended(signed_in: Any, again: Any) -> None:
    others = [again() for _ in range(3)]
    for number, one in enumerate(others):
        one.client.environ_base["HTTP_USER_AGENT"] = f"Browser/{number} <b>"
        one.sign_in()
    page = signed_in.get(ACCOUNT).text
    assert "Browser/1 &lt;b&gt;" in page
    assert page.count("this one") == 1
    (ends,) = {len(re.findall(r"/admin/account/sessions/[0-9a-f-]{36}/end/", page))}
    assert ends == 3
    first = others[0].claims["jti"]

    signed_in.act(f"{ACCOUNT}sessions/{first}/end/")
    assert [one.get().status_code for one in others] == [303, 200, 200]
    signed_in.act(f"{ACCOUNT}sessions/end/")
    assert [one.get().status_code for one in others] == [303] * 3
    assert signed_in.get().status_code == 200


@on_one_database()
def test_administrator_ends_anybodys_session_and_nobody_else_does(
    admin: Any, again: Any, api: Any
) -> None:
    theirs, same = again(), again()
    juma = api.made("staff", **api.a_member(username="juma", role="operator"))
    theirs.sign_in(username="juma")
    same.sign_in(username="juma")
    own = admin.claims["jti"]
    assert theirs.act(f"{ACCOUNT}sessions/{own}/end/").status_code == 303
    assert admin.get().status_code == 200  # it is none of theirs

    path = f"{STAFF}{juma['id']}/"
    assert "198.51.100.7" in admin.get(path).text
    admin.act(f"{path}sessions/{theirs.claims['jti']}/end/")
    assert (theirs.get().status_code, same.get().status_code) == (303, 200)
    listed = api.get(f"staff/{juma['id']}/sessions/").get_json()
    assert [(one["proof"], one["address"]) for one in listed["data"]] == [
        ("password", "198.51.100.7")
    ]
    admin.act(f"{path}sessions/end/")
    assert same.get().status_code == 303
    same.sign_in(username="juma")
    assert api.delete(f"staff/{juma['id']}/sessions/").status_code == 204
    assert same.get().status_code == 303


@on_one_database()
def test_who_signed_in_a_while_ago_changes_no_factor(
    signed_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.console.account.FRESH", timedelta())

    for path in ("app/", "app/remove/", "recovery-codes/"):
        assert signed_in.act(f"{ACCOUNT}{path}").status_code == 403
    assert signed_in.get(f"{ACCOUNT}app/").status_code == 403
