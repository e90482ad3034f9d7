"""No text of a page is outside the catalogues, whatever module it comes from."""

from typing import Any

import pytest
from esb_relay.container import Container
from esb_relay.models import Base
from flask import Flask
from pseudo_language import check_every_page, demonstrate, found_by, speak

#: Names, units and formats, which are the same in every language, and what tables begin with.
DATA = {"amina", "channel.", "GovESB", "http", "json", "proxy", "xml"}
#: Of the records of this test and the demonstration.
DATA |= {"tester", "example", "/api/esb/inbound/example"}


@pytest.fixture
def exchange(app: Flask, api: Any) -> str:
    """The correlation id of an exchange; one that failed, and the demonstration, are beside it."""
    demonstrate(app)
    api.relay("{}", code="E2E!failure")
    known: str = api.exchange(api.relay("{}"))["correlation_id"]
    return known


@pytest.mark.parametrize("shared_app", ["sqlite"], indirect=True)
def test_every_text_of_every_page_can_be_translated(
    app: Flask,
    container: Container,
    exchange: str,
    console: Any,
    csrf: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speak(monkeypatch)
    browser, root = console("admin"), "/admin/esb"
    check_every_page(
        app,
        browser,
        (container.database, Base),
        data=DATA,
        more=[f"{root}/timeline/{exchange}/"],
        found=found_by(browser, f"{root}/find/", exchange, csrf),
    )
