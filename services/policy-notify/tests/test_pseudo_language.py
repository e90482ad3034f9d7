"""No text of a page is outside the catalogues, whatever module it comes from."""

from datetime import date
from typing import Any

import pytest
from flask import Flask
from policy_notify.container import Container
from policy_notify.models import Base, NotificationType
from pseudo_language import check_every_page, demonstrate, found_by, speak

#: Names, units and formats, which are the same in every language, and what tables begin with.
DATA = {"amina", "channel."}
#: Of the records of this test and the demonstration.
DATA |= {"test", "demonstration"}


@pytest.fixture
def attempt(app: Flask, scheme: Any, runs: Any, provider: Any, today: date) -> str:
    """The id of an attempt to tell of a policy; each type was told of once, and one was not."""
    demonstrate(app)
    for type_ in NotificationType:
        scheme.due(scheme.family(phone="+255700000009"), type_)
    scheme.due(scheme.family(approval=None), NotificationType.EXPIRATION)
    runs.on(today, provider)
    return str(runs.attempts()[0].id)


@pytest.mark.parametrize("shared_app", ["sqlite"], indirect=True)
def test_every_text_of_every_page_can_be_translated(
    app: Flask,
    container: Container,
    attempt: str,
    console: Any,
    csrf: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speak(monkeypatch)
    browser, root = console("admin"), "/admin/policy-notification"
    check_every_page(
        app,
        browser,
        (container.database, Base),
        data=DATA,
        more=[f"{root}/timeline/{attempt}/"],
        found=found_by(browser, f"{root}/find/", "70001", csrf),
    )
