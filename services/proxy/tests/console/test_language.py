"""The language of the console: chosen in the head of each page, kept by browser and account."""

from typing import Any

import pytest
from common.texts import COOKIE
from one_database import on_one_database
from proxy.container import Container

pytestmark = on_one_database()
LANGUAGE = "/admin/language/"


def test_choice_holds_for_the_next_pages_and_for_other_browsers(
    app: Any, container: Container, signed_in: Any
) -> None:
    browser = signed_in
    answer = browser.act(LANGUAGE, language="sw", back="/admin/mediator/channels/?name=lab")
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/admin/mediator/channels/?name=lab",
    )
    assert '<html lang="sw">' in browser.get().text
    assert '<html lang="sw">' in browser.get(headers={"Accept-Language": "fr"}).text
    other = type(browser)(app.test_client(), container)
    assert '<html lang="en">' in other.get("/admin/login/").text
    assert other.sign_in().status_code == 303
    assert '<html lang="sw">' in other.get().text


def test_a_stranger_chooses_for_their_own_browser(browser: Any) -> None:
    assert browser.post(LANGUAGE, language="fr", back="//evil.example").location == "/admin/"
    assert '<html lang="fr">' in browser.get("/admin/login/").text
    assert browser.post(LANGUAGE, language="tlh").status_code == 422


def test_the_account_changes_by_the_pages_own_form_only(signed_in: Any) -> None:
    browser = signed_in
    assert browser.post(LANGUAGE, language="sw").status_code == 403
    foreign = browser.client.post(
        LANGUAGE, data={"language": "sw"}, headers={"Origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
    assert browser.client.get_cookie(COOKIE) is None


@pytest.mark.parametrize(("accepted", "expected"), [("fr-CA, en;q=0.5", "fr"), ("de", "en")])
def test_else_the_browser_says_which(browser: Any, accepted: str, expected: str) -> None:
    page = browser.get("/admin/login/", headers={"Accept-Language": accepted})
    assert f'<html lang="{expected}">' in page.text
