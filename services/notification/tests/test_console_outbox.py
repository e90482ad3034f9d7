"""The outbox in the console: what stands where, a message's timeline, an operator's acts."""

import html
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from flask.testing import FlaskClient
from notification.models import (
    AttemptStatus,
    ChannelCode,
    DeliveryLog,
    MessageStatus,
    OutboxMessage,
)
from sqlalchemy import update

HOME = "/admin/notification/"
OUTBOX = f"{HOME}outbox/"
SMS, EMAIL = ChannelCode.SMS, ChannelCode.EMAIL

Console = Callable[[str], FlaskClient]


@pytest.fixture
def emitted(client: Any) -> dict[str, OutboxMessage]:
    """Anna's messages by channel; the SMS waits, the e-mail was refused for good."""
    client.rule(SMS, EMAIL)
    for channel in (SMS, EMAIL):
        client.template(channel, "Hello {name}")
    client.emit("anna", context={"name": "Anna <3"}, payload={"order": "=1"})
    messages = {one.channel.value: one for one in client.queued()}
    change(client, messages["EMAIL"], status=MessageStatus.FAILED, is_final=True, last_error="No @")
    return messages


def change(client: Any, message: OutboxMessage, **values: Any) -> None:
    with client.container.database.writing() as session:
        session.execute(
            update(OutboxMessage).where(OutboxMessage.id == message.id).values(**values)
        )


def shown(page: Any) -> list[str]:
    assert page.status_code == 200
    return re.findall(rf'<td><a href="{OUTBOX}([^/]+)/">', page.text)


def figures(page: Any) -> dict[str, str]:
    """The counts above the list, by what they count."""
    return {what: n for n, what in re.findall(r'figure">([^<]+)</span> ([^<]+)</a>', page.text)}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=FAILED", ["EMAIL"]),
        ("channel=SMS&user_id=anna", ["SMS"]),
        ("due=true", ["SMS"]),
        ("event_code=LICENCE_ISSUED", ["EMAIL", "SMS"]),
        ("event_code=PAYMENT_CONFIRMED", []),
        ("user_id=ben", []),
    ],
)
def test_outbox_is_listed_by_filters_in_the_address(
    console: Console, emitted: dict[str, OutboxMessage], query: str, found: list[str]
) -> None:
    page = console("viewer").get(f"{OUTBOX}?{query}")

    assert sorted(shown(page)) == sorted(str(emitted[channel].id) for channel in found)


def test_filter_that_cannot_be_read_is_named(console: Console) -> None:
    page = console("viewer").get(f"{OUTBOX}?status=LOST")

    assert page.status_code == 422
    assert "Must be one of" in page.text


@pytest.mark.parametrize("path", [HOME, OUTBOX])
def test_messages_are_counted_by_status_and_the_oldest_due_is_told(
    console: Console, client: Any, emitted: dict[str, OutboxMessage], path: str
) -> None:
    change(client, emitted["SMS"], next_attempt_at=utc_now() - timedelta(hours=2, minutes=5.5))

    counts = figures(console("viewer").get(path))

    assert (counts["QUEUED"], counts["FAILED"], counts["DELIVERED"]) == ("1", "1", "0")
    assert counts["since the oldest became due"] == "2 h 5 min"


def test_overview_names_what_was_refused_and_the_ways_that_are_not_set_up(
    console: Console, emitted: dict[str, OutboxMessage]
) -> None:
    page = console("viewer").get(HOME).text

    assert "over EMAIL: No @" in page
    assert re.findall(r'<li>(\w+) <span class="badge (\w+)">', page)[:3] == [
        *[("SMS", "warn"), ("EMAIL", "warn"), ("IN_APP", "good")]
    ]


def test_download_has_no_words(console: Console, emitted: dict[str, OutboxMessage]) -> None:
    text = console("viewer").get(f"{OUTBOX}?status=FAILED&format=csv").text

    assert text.splitlines()[1].startswith(f'"{emitted["EMAIL"].id}"')
    assert "Hello" not in text


def test_message_shows_its_words_and_everything_that_happened(
    console: Console, client: Any, emitted: dict[str, OutboxMessage]
) -> None:
    entry = DeliveryLog(
        outbox_id=emitted["EMAIL"].id,
        attempt_no=1,
        status=AttemptStatus.FAILED_FINAL,
        provider="smtp",
        error_message="550 no such user",
        response_payload={"code": 550, "said": "<no>"},
    )
    with client.container.database.writing() as session:
        session.add(entry)

    page = console("viewer").get(f"{OUTBOX}{emitted['EMAIL'].id}/").text

    assert "Hello Anna &lt;3</pre>" in page
    assert 'bad">failed final</span> smtp: 550 no such user' in page
    assert '"said": "<no>"' in html.unescape(page)
    assert '"order": "=1"' in html.unescape(page)
    assert "Queue anew" not in page


def test_operator_queues_a_refused_message_anew_and_stops_it(
    console: Console, csrf: dict[str, str], client: Any, emitted: dict[str, OutboxMessage]
) -> None:
    browser, page = console("operator"), f"{OUTBOX}{emitted['EMAIL'].id}/"
    assert "Queue anew" in browser.get(page).text

    assert browser.post(f"{page}requeue/", data=csrf).headers["Location"] == page
    after = browser.get(page).text
    assert "The message is queued anew." in after
    assert "Requeued by amina; it was FAILED" in after
    assert "Queue anew" not in after

    browser.post(f"{page}cancel/", data=csrf)
    assert "Cancelled by amina" in browser.get(page).text
    assert [one.status for one in client.queued()] == ["CANCELLED", "QUEUED"]


def test_act_that_cannot_be_done_says_why(
    console: Console, csrf: dict[str, str], client: Any, emitted: dict[str, OutboxMessage]
) -> None:
    change(client, emitted["SMS"], status=MessageStatus.SENT)
    browser, page = console("operator"), f"{OUTBOX}{emitted['SMS'].id}/"

    for act in ("requeue", "cancel"):
        assert browser.post(f"{page}{act}/", data=csrf).status_code == 303
        assert "A message that is SENT cannot be" in browser.get(page).text
    assert [one.status for one in client.queued()] == ["FAILED", "SENT"]


def test_message_whose_words_are_forgotten_cannot_be_queued_anew(
    console: Console, client: Any, emitted: dict[str, OutboxMessage]
) -> None:
    change(client, emitted["EMAIL"], body=None, to_email=None)

    page = console("operator").get(f"{OUTBOX}{emitted['EMAIL'].id}/").text

    assert "are forgotten" in page
    assert "Queue anew" not in page
    assert console("operator").get(f"{OUTBOX}{uuid.uuid4()}/").status_code == 404
