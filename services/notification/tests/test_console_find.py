"""The search box and the timeline, as this service answers them."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.correlation import CORRELATION_HEADER
from notification.container import Container
from notification.models import AttemptStatus, ChannelCode, DeliveryLog

FIND, TIMELINE = "/admin/notification/find/", "/admin/notification/timeline"
ASKED = "lab-request-17"


@pytest.fixture
def message(client: Any, api: Any) -> str:
    """An SMS to anna that came of a request of the lab's, and was tried once."""
    client.rule(ChannelCode.SMS)
    client.template(ChannelCode.SMS)
    person = {"user_id": "anna", "actor_type": "TEACHER", "to_phone": "+255712345678"}
    body = {"event_code": "LICENCE_ISSUED", "recipients": [person], "context": {}}
    headers = {CORRELATION_HEADER: ASKED}
    assert api.ask("POST", "emit/", body, headers=headers).status_code == 201
    (queued,) = client.queued()
    return str(queued.id)


def found(browser: Any, csrf: dict[str, str], term: str) -> str:
    answer = browser.post(FIND, data={**csrf, "term": term}, headers={"HX-Request": "true"})
    assert answer.status_code == 200, answer.text
    text: str = answer.text
    return text


@pytest.mark.parametrize("by", ["id", "person", "correlation id", "number"])
def test_message_is_found(
    console: Callable[[str], Any], csrf: dict[str, str], message: str, by: str
) -> None:
    terms = {"id": message, "person": "anna", "correlation id": ASKED, "number": "0712 345 678"}

    part = found(console("viewer"), csrf, terms[by])

    assert f'href="/admin/notification/outbox/{message}/"' in part
    assert f'href="/admin/timeline/{ASKED}/"' in part
    assert "<html" not in part


def test_nothing_is_found_of_others_and_the_page_stands_alone_without_a_script(
    console: Callable[[str], Any], csrf: dict[str, str], message: str
) -> None:
    assert message not in found(console("viewer"), csrf, "ann")
    page = console("viewer").post(FIND, data={**csrf, "term": "anna"})
    assert ("<html" in page.text, message in page.text) == (True, True)


def test_timeline_tells_of_messages_attempts_and_receipts(
    console: Callable[[str], Any], container: Container, message: str
) -> None:
    now = utc_now()
    moments = {"created_at": now, "ended_at": now + timedelta(seconds=1)}
    attempt = {"attempt_no": 1, "provider": "beem", **moments}
    with container.database.writing() as session:
        status = AttemptStatus.FAILED_TEMPORARY
        session.add(DeliveryLog(outbox_id=uuid.UUID(message), status=status, **attempt))

    page = console("viewer").get(f"{TIMELINE}/{ASKED}/", headers={"HX-Request": "true"}).text

    lines = [re.sub(r"<[^>]+>", "", one) for one in re.findall(r"<li.*?</li>", page, re.DOTALL)]
    for text, line in zip(["was queued", "by beem", "ended"], lines, strict=True):
        assert text in line
    assert "failed_temporary" in page
