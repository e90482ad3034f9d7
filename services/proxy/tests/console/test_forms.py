"""Only forms that the console's own pages sent are acted on."""

from typing import Any

import pytest
from common.console.csrf import ForeignForm, check_sender
from flask import Flask
from werkzeug.datastructures import Headers

OURS = "hub.example:8080"


@pytest.mark.parametrize("token", ["", "x", "é"])
def test_login_form_without_its_token_is_refused(
    browser: Any, member: dict[str, Any], token: str
) -> None:
    browser.get("/admin/login/")

    answer = browser.sign_in(csrf_token=token)

    assert (answer.status_code, answer.mimetype) == (403, "text/html")
    assert "out of date" in answer.text
    assert browser.session is None


def test_login_token_counts_in_its_own_browser_only(
    app: Flask, browser: Any, member: dict[str, Any]
) -> None:
    stolen = type(browser)(app.test_client(), browser.container).form_token()

    assert browser.sign_in(csrf_token=stolen).status_code == 403
    browser.get("/admin/login/")
    assert browser.sign_in(csrf_token=stolen).status_code == 403


def test_two_login_pages_of_one_browser_both_work(browser: Any, member: dict[str, Any]) -> None:
    tokens = [browser.form_token(), browser.form_token()]

    assert [browser.sign_in(csrf_token=token).status_code for token in tokens] == [303, 303]


def test_signing_out_needs_the_sessions_token(browser: Any, member: dict[str, Any]) -> None:
    login_token = browser.form_token()
    browser.sign_in()

    for form in ({}, {"csrf_token": "x"}, {"csrf_token": login_token}):
        assert browser.sign_out(**form).status_code == 403
    assert browser.get().status_code == 200


def test_form_from_another_site_is_refused(browser: Any, member: dict[str, Any]) -> None:
    answer = browser.sign_in(headers={"Origin": "https://evil.example"})

    assert answer.status_code == 403
    assert "another site" in answer.text
    assert browser.sign_in(headers={"Origin": "http://localhost"}).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://hub.example:8080"},
        {"Origin": "https://Hub.example:8080"},
        {"Origin": "https://portal.example"},
        {"Referer": "http://hub.example:8080/admin/?a=b"},
    ],
)
def test_own_and_trusted_origins_may_send(headers: dict[str, str]) -> None:
    check_sender(Headers(headers), OURS, ("https://portal.example",))


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://hub.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://hub.example:8080.evil.example"},
        {"Origin": "http://hub.example:8080@evil.example"},
        {"Origin": "http://[x"},
        {"Referer": "https://evil.example/http://hub.example:8080/"},
        {"Origin": "https://evil.example", "Referer": "http://hub.example:8080/"},
    ],
)
def test_other_origins_may_not_send(headers: dict[str, str]) -> None:
    with pytest.raises(ForeignForm):
        check_sender(Headers(headers), OURS, ("https://portal.example",))
