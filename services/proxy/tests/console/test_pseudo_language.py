"""No text of a page is outside the catalogues, whatever module it comes from."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from common.ids import new_id
from common.web.examples import EXAMPLE_ID
from flask import Flask
from proxy.container import Container
from proxy.models import Alert, AlertRule, Base, TransactionStatus
from pseudo_language import check_every_page, demonstrate, found_by, speak, untranslated, walked
from sqlalchemy import select

#: Names, units and formats, which are the same in every language, and what tables begin with.
DATA = {"amina", "channel", "admin", "password", "code", "patients", "process", "proxy-worker"}
DATA |= {"Werkzeug", "http", "https", "tcp"}
#: Of the records of this test and the demonstration.
DATA |= {"away", "clinic", "demo", "example", "seed-demo"}
DATA |= {"family", "given", "Mushi", "Asha", "nin", "true", "false"}
_KINDS = "client, mediator, channel, externalsystemregistration, transaction"
_RECORD = f"/admin/mediator/<any({_KINDS}):model>"
_CALL = "/admin/mediator/transactions/<uuid:correlation_id>"
#: What leads elsewhere, is read by programs, or shows the bytes of a body.
BESIDE = {
    "/admin/account/openid/",
    "/admin/account/passkeys/",
    "/admin/auth/user/",
    "/admin/mediator/metadata/export/",
    "/admin/mediator/transactions/live/",
    "/admin/mediator/views/<uuid:view_id>/",
    f"{_RECORD}/",
    f"{_RECORD}/<any(add):_act>/",
    f"{_RECORD}/<int:number>/",
    f"{_RECORD}/<int:number>/<any(change, history, delete):_act>/",
    f"{_CALL}/body/<any(request, response):side>/",
    f"{_CALL}/body/<any(request, response):side>/hex/",
    f"{_CALL}/test-case/",
    "/admin/session/",
}
#: What takes a step of signing in before it, a mail server or a provider.
TO_SIGN_IN = {
    "/admin/login/",
    "/admin/login/forgot/",
    "/admin/login/openid/",
    "/admin/login/openid/back/",
    "/admin/login/passkey/",
    "/admin/login/reset/",
    "/admin/login/second/",
}


@pytest.fixture
def call(
    app: Flask,
    container: Container,
    admin: Any,
    record: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """The id of a call that failed. There are a task to make it again, a rerun and its original,
    an alert, a view, and what the demonstration has.
    """
    monkeypatch.setenv("DEMO_CLIENT_SECRET", "long enough to be one")
    demonstrate(app)
    failed = {"status": TransactionStatus.FAILED, "error_message": "away"}
    made = record(0, **failed)
    record(2, parent_id=uuid.UUID(record(1)))
    task = admin.act("/admin/mediator/transactions/rerun/", status="failed", batch_size="2")
    assert task.status_code == 303, task.text
    view = admin.act("/admin/mediator/views/", status="failed", view_name="Mine")
    assert view.status_code == 303, view.text
    with container.database.writing() as session:
        rule = session.scalars(select(AlertRule)).one()
        known = {"rule_id": rule.id, "rule_name": rule.name, "subject": "Example laboratory"}
        session.add(Alert(id=new_id(), detail="3 of 6 calls failed", **known))
    return made


@pytest.mark.parametrize("shared_app", ["sqlite"], indirect=True)
def test_every_text_of_every_page_can_be_translated(
    app: Flask, container: Container, admin: Any, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak(monkeypatch)
    csrf = {"csrf_token": admin.form_token("/admin/")}
    check_every_page(
        app,
        admin,
        (container.database, Base),
        data=DATA,
        more=[
            "/admin/mediator/transactions/rerun/?status=failed",
            f"/admin/mediator/tester/calls/{call}/",
            f"/admin/mediator/mediators/{EXAMPLE_ID}/config/",
        ],
        beside=BESIDE | TO_SIGN_IN,
        found=found_by(admin.client, "/admin/find/", call, csrf),
    )


@pytest.mark.parametrize("shared_app", ["sqlite"], indirect=True)
def test_every_text_before_the_sign_in_can_be_translated(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak(monkeypatch)
    read = walked(app, app.test_client())
    assert {rule for rule, _ in read} == {"/admin/login/"}
    assert untranslated(read, set()) == {}
