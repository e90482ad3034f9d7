"""No text of a page is outside the catalogues, whatever module it comes from."""

from typing import Any

import pytest
from common.correlation import CORRELATION_HEADER
from flask import Flask
from notification.container import Container
from notification.models import Base, ChannelCode
from pseudo_language import check_every_page, demonstrate, found_by, speak

ASKED = "lab-request-17"
#: Names, units and formats, which are the same in every language, and what tables begin with.
DATA = {"amina", "channel."}
#: Of the records of this test and the demonstration.
DATA |= {"anna", "date", "Miadi yako ya tarehe", "Your appointment on"}
#: E-mails are in the words of templates.
E_MAILS = {
    "/admin/notification/outbox/<uuid:outbox_id>/e-mail/",
    "/admin/notification/templates/<uuid:template_id>/e-mail/",
}


@pytest.fixture
def message(app: Flask, client: Any, api: Any) -> None:
    """An SMS that came of a request of the lab's, beside what the demonstration has."""
    demonstrate(app)
    client.rule(ChannelCode.SMS)
    client.template(ChannelCode.SMS)
    person = {"user_id": "anna", "actor_type": "TEACHER", "to_phone": "+255712345678"}
    body = {"event_code": "LICENCE_ISSUED", "recipients": [person], "context": {}}
    headers = {CORRELATION_HEADER: ASKED}
    assert api.ask("POST", "emit/", body, headers=headers).status_code == 201


@pytest.mark.usefixtures("message")
@pytest.mark.parametrize("shared_app", ["sqlite"], indirect=True)
def test_every_text_of_every_page_can_be_translated(
    app: Flask,
    container: Container,
    console: Any,
    csrf: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speak(monkeypatch)
    browser, root = console("admin"), "/admin/notification"
    check_every_page(
        app,
        browser,
        (container.database, Base),
        data=DATA,
        more=[f"{root}/timeline/{ASKED}/"],
        beside=E_MAILS,
        found=found_by(browser, f"{root}/find/", ASKED, csrf),
    )
