"""Passkeys: whose device signed gets in; what is another host's, or was signed before, does not."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from one_database import on_one_database
from proxy.container import Container
from software_passkey import PRESENT, SoftwarePasskey

pytestmark = on_one_database()

OPTIONS, LOGIN, OWN = "/admin/login/passkey/", "/admin/login/passkey/", "/admin/account/passkeys/"
ORIGIN = "http://localhost"


@pytest.fixture
def device(member: dict[str, Any]) -> SoftwarePasskey:
    return SoftwarePasskey(ORIGIN, "localhost", uuid.UUID(member["id"]).bytes)


@pytest.fixture
def registered(signed_in: Any, device: SoftwarePasskey) -> SoftwarePasskey:
    """The member's device."""
    answer = register(signed_in, device)
    assert answer.status_code == 303
    assert "The passkey is made" in signed_in.get("/admin/account/").text
    return device


@pytest.fixture
def again(app: Any, container: Container, browser: Any) -> Callable[[], Any]:
    """Another browser."""
    return lambda: type(browser)(app.test_client(), container)


def register(browser: Any, device: SoftwarePasskey, name: str = "This laptop") -> Any:
    options = browser.get(OWN).get_json()
    return browser.act(OWN, name=name, credential=device.made(options))


def log_in(browser: Any, device: SoftwarePasskey) -> Any:
    token = browser.form_token()
    options = browser.get(OPTIONS).get_json()
    return browser.post(LOGIN, csrf_token=token, credential=device.signed(options), next="")


def test_device_signs_in_without_name_and_password(
    registered: SoftwarePasskey, again: Any, member: Any, container: Container
) -> None:
    browser = again()
    assert log_in(browser, registered).headers["Location"] == "/admin/"
    assert (browser.claims["sub"], browser.claims["proof"]) == (member["id"], "passkey")
    assert log_in(again(), registered).status_code == 303  # it counts on


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://evil.example"},
        {"host": "evil.example"},
        {"flags": PRESENT},
        {"user": bytes(16)},
        {"credential_id": b"somebody else's"},
        {"count": -1},
        {"key": SoftwarePasskey("", "").key},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_does_not_fit_lets_nobody_in(
    registered: SoftwarePasskey, again: Any, changes: dict[str, Any], container: Container
) -> None:
    if "count" in changes:  # a copy of the device, from before it signed
        registered.count = 5
        assert log_in(again(), registered).status_code == 303
    browser = again()
    refused = log_in(browser, replace(registered, **changes))
    assert refused.status_code == 403
    assert "This passkey lets nobody in here" in refused.text
    assert browser.session is None


def test_signature_is_taken_once_and_for_its_own_challenge(
    registered: SoftwarePasskey, again: Any, container: Container
) -> None:
    browser = again()
    token, options = browser.form_token(), browser.get(OPTIONS).get_json()
    ticket = browser.client.get_cookie("kiungo_passkey", path="/admin/login").value
    registered.count = -1  # it says 0: it does not count
    form = {"csrf_token": token, "credential": registered.signed(options)}
    assert browser.post(LOGIN, **form).status_code == 303
    browser.session = ""
    browser.client.set_cookie("kiungo_passkey", ticket, path="/admin/login")
    assert browser.post(LOGIN, **form).status_code == 401
    other = again()
    form["csrf_token"] = other.form_token()
    assert other.post(LOGIN, **form).status_code == 401  # no ticket
    other.get(OPTIONS)
    assert other.post(LOGIN, **form).status_code == 403  # another challenge's
    for odd in ("", "{}", "[]", "[" * 5000, '{"id": 1}', '{"id": "a", "rawId": "é"}'):
        other.get(OPTIONS)
        assert other.post(LOGIN, **{**form, "credential": odd}).status_code == 403


def test_passkey_is_named_and_removed_by_its_owner_only(
    registered: SoftwarePasskey, signed_in: Any, again: Any, api: Any, container: Container
) -> None:
    with container.database.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT id FROM passkeys").scalar_one()
    path = f"{OWN}{uuid.UUID(str(found))}/"
    api.made("staff", **api.a_member(username="juma"))
    other = again()
    other.sign_in(username="juma")
    assert other.act(f"{path}name/", name="Mine").status_code == 404
    assert other.act(f"{path}remove/").status_code == 404
    assert register(other, registered).status_code == 303
    assert "known already" in other.get("/admin/account/").text

    assert signed_in.act(f"{path}name/", name="Renamed").status_code == 303
    assert "Renamed" in signed_in.get("/admin/account/").text
    assert signed_in.act(f"{path}remove/").status_code == 303
    assert log_in(again(), registered).status_code == 403


@pytest.mark.parametrize("change", [{"is_active": False}, None], ids=["switched off", "gone"])
def test_passkey_ends_with_its_member(
    registered: SoftwarePasskey, again: Any, api: Any, member: Any, change: Any
) -> None:
    path = f"staff/{member['id']}/"
    _ = api.patch(path, change) if change else api.delete(path)

    assert log_in(again(), registered).status_code == 403
