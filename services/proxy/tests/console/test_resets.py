"""A new password by a link in an e-mail: for who has an address, once, and nobody else notices."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.web.tokens import TokenVerifier
from one_database import on_one_database
from proxy.access.mails import Mails
from proxy.container import Container
from proxy.models import StaffUser
from sqlalchemy import update
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

pytestmark = on_one_database()

FORGOT, RESET = "/admin/login/forgot/", "/admin/login/reset/"
NEW = "wholly unlike anything before"
MAIL = "amina@example.org"


@pytest.fixture
def letters(
    app: Any, container: Container, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[dict[str, Any]]]:
    """What a notification service on loopback was asked to send; links are offered."""
    taken: list[dict[str, Any]] = []

    @Request.application
    def notification(request: Request) -> Response:
        verifier = TokenVerifier(container.signer)
        verifier.holder(request.headers["Authorization"], "notification:mail")
        taken.append(request.get_json())
        said = {"ok": True, "outcome": "sent", "reason": ""}
        return Response(json.dumps(said), mimetype="application/json")

    server = make_server("127.0.0.1", 0, notification, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    changed = replace(
        container,
        settings=replace(container.settings, console_url="https://hub.example.org"),
        mails=Mails(f"http://127.0.0.1:{server.port}", container.mails._token),
        behind_answers=ThreadPoolExecutor(1),
    )
    monkeypatch.setitem(app.extensions, "proxy", changed)
    yield taken
    changed.behind_answers.shutdown()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ask(app: Any, browser: Any, letters: Any) -> Callable[[str], Any]:
    """Asks for a link, and waits until what is done behind the answer is done."""

    def send(name: str) -> Any:
        answer = browser.post(FORGOT, csrf_token=browser.form_token(FORGOT), username=name)
        app.extensions["proxy"].behind_answers.submit(int).result(20)
        return answer

    return send


def link_in(letter: dict[str, Any]) -> str:
    (link,) = re.findall(r"https://hub\.example\.org(/admin/login/reset/\S+)", letter["body"])
    return str(link)


def send_password(browser: Any, link: str, password: str = NEW) -> int:
    token = browser.form_token()
    secret = link.partition("link=")[2]
    status: int = browser.post(RESET, csrf_token=token, link=secret, password=password).status_code
    return status


def test_password_is_reset_once_and_sessions_end(
    api: Any, app: Any, browser: Any, ask: Any, letters: Any, container: Container
) -> None:
    api.made("staff", **api.a_member(email=MAIL))
    elsewhere = type(browser)(app.test_client(), container)
    elsewhere.sign_in()
    assert ask("amina").status_code == 200
    (letter,) = letters
    assert letter["to"] == MAIL
    link = link_in(letter)

    assert browser.get(link).status_code == 200  # a mail scanner looks, and uses nothing up
    assert send_password(browser, link, "password1234") == 422
    assert elsewhere.get().status_code == 200
    assert send_password(browser, link) == 303
    assert elsewhere.get().status_code == 303
    assert [send_password(browser, link), browser.get(link).status_code] == [404, 404]
    assert browser.sign_in(NEW).status_code == 303
    with container.database.engine.connect() as connection:
        events = connection.exec_driver_sql("SELECT act, before, after FROM audit_events").all()
        stored = repr(connection.exec_driver_sql("SELECT * FROM password_resets").all())
    assert {"staff.password_reset_asked", "staff.password_reset"} <= {one[0] for one in events}
    assert link.partition("link=")[2] not in stored + repr(events)


def test_nobody_sees_whether_there_is_such_a_name(
    api: Any, ask: Any, letters: Any, container: Container
) -> None:
    elsewhere = api.made("staff", **api.a_member(username="juma", email="juma@example.org"))
    with container.database.writing() as session:
        session.execute(update(StaffUser).values(oidc_identity="https://sso.example.org 7"))
    api.made("staff", **api.a_member(email=MAIL))
    api.made("staff", **api.a_member(username="asha"))
    api.made("staff", **api.a_member(username="gone", email="g@example.org", is_active=False))

    answers = [ask(name) for name in ("amina", "asha", "gone", "juma", "nobody")]

    assert len({(one.status_code, without_tokens(one.text)) for one in answers}) == 1
    assert [one["to"] for one in letters] == [MAIL]
    assert elsewhere["id"] not in letters[0]["body"]
    for name in ("amina", "nobody"):
        statuses = [ask(name).status_code for _ in range(5)]
        assert statuses == [200] * 4 + [429]


def without_tokens(page: str) -> str:
    return re.sub(r'value="[^"]+"', "", page)


def test_link_ends_after_half_an_hour_and_with_the_next_one(
    api: Any, browser: Any, ask: Any, letters: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.made("staff", **api.a_member(email=MAIL))
    ask("amina")
    ask("amina")
    first, second = map(link_in, letters)
    assert browser.get(first).status_code == 404
    assert browser.get(second).status_code == 200
    later = utc_now() + timedelta(minutes=30, seconds=1)
    monkeypatch.setattr("proxy.console.resets.utc_now", lambda: later)

    assert send_password(browser, second) == 404


def test_no_link_is_offered_to_an_address_that_a_caller_makes_up(browser: Any) -> None:
    assert "Forgot" not in browser.get("/admin/login/").text
    assert browser.get(FORGOT, headers={"Host": "evil.example"}).status_code == 404
