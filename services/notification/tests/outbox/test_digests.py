"""Digests: at most so many messages to a person in a window, the rest told at once."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from notification.container import Container
from notification.emit.digesting import digest_words, make_digests
from notification.models import (
    ChannelCode,
    DigestItem,
    DigestWindow,
    Event,
    MessageStatus,
    OutboxMessage,
    Template,
)
from notification.outbox.engine import Outbox
from notification.retention import keep_bounded
from sqlalchemy import func, select

SMS = ChannelCode.SMS
PERSON = {"user_id": "u1", "actor_type": "TEACHER", "to_phone": "0712345678"}
WAITING, QUEUED, DIGESTED = MessageStatus.WAITING, MessageStatus.QUEUED, MessageStatus.DIGESTED
AFTER, WINDOW_S = 3, 3600


@dataclass
class Throttled:
    """An event of which a person gets three messages in an hour."""

    container: Container
    client: Any

    def emit(self, count: int, *people: Any, **changes: Any) -> None:
        for number in range(count):
            context = {"number": number + 1}
            self.client.emit(*people or [PERSON], context=context, **changes)

    def statuses(self) -> list[MessageStatus]:
        return [one.status for one in self.messages()]

    def messages(self) -> list[OutboxMessage]:
        with self.container.database.reading() as session:
            return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))

    def end_windows(self) -> int:
        with self.container.database.writing() as session:
            for window in session.scalars(select(DigestWindow)):
                window.ends_at -= timedelta(seconds=WINDOW_S + 1)
        return make_digests(self.container.database)


@pytest.fixture
def throttled(container: Container, client: Any) -> Throttled:
    event = {"digest_after": AFTER, "digest_window_s": WINDOW_S}
    assert client.api.patch("events/LICENCE_ISSUED/", event).status_code == 200
    client.rule(SMS)
    client.template(SMS, "Licence {number}", digest_body="{count} licences ({event}):\n{list}")
    return Throttled(container, client)


def test_what_is_too_much_is_told_at_once_when_the_window_ends(throttled: Throttled) -> None:
    throttled.emit(7)
    assert throttled.statuses() == [QUEUED] * 3 + [WAITING] * 4
    assert make_digests(throttled.container.database) == 0
    assert throttled.end_windows() == 1
    *_, digest = throttled.messages()
    assert throttled.statuses() == [QUEUED] * 3 + [DIGESTED] * 4 + [QUEUED]
    assert digest.body == (
        "4 licences (A licence was issued):\n- Licence 4\n- Licence 5\n- Licence 6\n- Licence 7"
    )
    assert (digest.to_phone, digest.sms_segments) == ("+255712345678", 1)
    # The digest is the first message of the next window.
    throttled.emit(3)
    assert throttled.statuses()[-3:] == [QUEUED, QUEUED, WAITING]


def test_a_window_that_held_nothing_begins_anew(throttled: Throttled) -> None:
    throttled.emit(3)
    assert throttled.end_windows() == 0
    throttled.emit(4)
    assert throttled.statuses() == [QUEUED] * 6 + [WAITING]


def test_one_that_was_held_alone_leaves_as_it_is(throttled: Throttled) -> None:
    throttled.emit(4)
    assert throttled.end_windows() == 1
    assert throttled.statuses() == [QUEUED] * 4
    assert throttled.messages()[-1].body == "Licence 4"


def test_each_person_and_channel_is_counted_alone(throttled: Throttled) -> None:
    throttled.client.rule(ChannelCode.IN_APP)
    throttled.client.template(ChannelCode.IN_APP, "Licence {number}")
    people = [PERSON, {**PERSON, "user_id": "u2", "to_phone": "0712345679"}]
    people.append({**PERSON, "actor_type": "STAFF", "to_phone": "0712345670"})
    throttled.emit(4, *people)
    waiting = [one for one in throttled.messages() if one.status is WAITING]
    who = {(one.recipient_user_id, one.recipient_actor_type, one.channel) for one in waiting}
    assert len(who) == len(waiting) == 6


def test_what_is_critical_is_never_held(throttled: Throttled) -> None:
    rule = throttled.client.api.get("rules/").get_json()["data"][0]["id"]
    throttled.client.api.patch(f"rules/{rule}/", {"priority": "CRITICAL"})
    throttled.emit(6)
    assert throttled.statuses() == [QUEUED] * 6


def test_what_is_asked_for_at_a_later_time_is_not_told_before(throttled: Throttled) -> None:
    throttled.emit(5, send_at=(utc_now() + timedelta(days=1)).isoformat())
    assert throttled.statuses() == [QUEUED] * 5


def test_an_event_that_is_repeated_counts_once(throttled: Throttled) -> None:
    for _ in range(5):
        throttled.client.emit(PERSON, context={"number": 1}, idempotency_key="k")
    throttled.emit(2)
    assert throttled.statuses() == [QUEUED] * 3


def test_what_an_operator_stopped_is_in_no_digest(throttled: Throttled) -> None:
    throttled.emit(6)
    held = throttled.messages()[3]
    assert throttled.client.api.post(f"outbox/{held.id}/cancel/").status_code == 200
    throttled.end_windows()
    assert "Licence 4" not in (throttled.messages()[-1].body or "")
    assert throttled.messages()[-1].body.startswith("2 licences")


@pytest.mark.parametrize("workers", [4])
def test_several_workers_let_through_as_many_and_tell_the_rest_once(
    throttled: Throttled, in_threads: Callable[..., None], sms: Any, workers: int
) -> None:
    people = [{**PERSON, "user_id": f"u{n}", "to_phone": f"07123456{n:02}"} for n in range(10)]
    in_threads(*[lambda: throttled.emit(4, *people) for _ in range(workers)])
    with throttled.container.database.reading() as session:
        by_status = select(OutboxMessage.status, func.count()).group_by(OutboxMessage.status)
        counts = dict(session.execute(by_status).all())
    assert counts == {QUEUED: 3 * 10, WAITING: (4 * workers - 3) * 10}
    in_threads(throttled.end_windows, *[lambda: make_digests(throttled.container.database)] * 3)
    make_digests(throttled.container.database)
    outbox = Outbox(throttled.container.database, {SMS: sms}, 30.0)
    in_threads(*[lambda: outbox.process([SMS], 100) for _ in range(workers)])
    digests = [one.body for part in sms.slices for one in part if "licences" in one.body]
    assert len(digests) == 10
    assert all(one.startswith(f"{4 * workers - 3} licences") for one in digests)


def test_a_digest_is_asked_again_whether_it_is_wanted(throttled: Throttled, sms: Any) -> None:
    throttled.emit(5)
    throttled.end_windows()
    throttled.client.prefers("u1", allow_sms=False)
    Outbox(throttled.container.database, {SMS: sms}, 30.0).process([SMS], 100)
    assert sms.sent == []


def test_it_is_on_record_and_on_the_messages_page(throttled: Throttled, console: Any) -> None:
    throttled.emit(5)
    held = throttled.messages()[-1]
    page = f"/admin/notification/outbox/{held.id}/"
    assert "Waits for its person" in console("viewer").get(page).text
    throttled.end_windows()
    digest = throttled.messages()[-1]
    shown = throttled.client.api.get(f"outbox/{held.id}/").get_json()
    assert (shown["status"], shown["digest_id"]) == ("DIGESTED", str(digest.id))
    items = throttled.client.api.get(f"outbox/{digest.id}/").get_json()["digest_of"]
    assert items == [str(one.id) for one in throttled.messages()[3:5]]
    assert str(digest.id) in console("viewer").get(page).text
    log = throttled.client.api.get(f"outbox/{held.id}/delivery-logs/").get_json()["data"]
    assert log[0]["error_message"] == f"Message in the digest {digest.id}"


def test_windows_that_are_over_are_forgotten(throttled: Throttled) -> None:
    throttled.emit(1)
    with throttled.container.database.writing() as session:
        session.scalars(select(DigestWindow)).one().ends_at = utc_now() - timedelta(days=91)
    keep_bounded(throttled.container.database, throttled.container.settings)
    with throttled.container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(DigestWindow)) == 0
        assert session.scalar(select(func.count()).select_from(DigestItem)) == 0


@pytest.mark.parametrize(
    ("path", "given", "field"),
    [
        ("events/LICENCE_ISSUED/", {"digest_window_s": None}, "digest_window_s"),
        ("events/LICENCE_ISSUED/", {"digest_after": -1}, "digest_after"),
        ("templates/{template}/", {"digest_body": "{number}"}, "digest_body"),
        ("templates/{template}/", {"digest_body": "{"}, "digest_body"),
    ],
    ids=["alone", "negative", "foreign", "brace"],
)
def test_what_makes_no_sense_is_refused(
    throttled: Throttled, path: str, given: dict[str, Any], field: str
) -> None:
    template = throttled.client.api.get("templates/").get_json()["data"][0]["id"]
    refused = throttled.client.api.patch(path.format(template=template), given)
    assert refused.status_code == 422
    assert list(refused.get_json()["errors"]) == [field]


@pytest.mark.parametrize("count", [2, 60, 5_000])
def test_a_list_is_as_long_as_it_may_be(count: int) -> None:
    held = [
        OutboxMessage(id=uuid.uuid4(), subject="", body=f"{number} {'x' * 300}")
        for number in range(count)
    ]
    template = Template(id=uuid.uuid4(), channel=SMS, language="en", version=1, transliterate=False)
    words = digest_words(held, template, Event(code="E", description=""))
    assert words.sms is not None
    assert words.sms.segments <= 255
    assert words.body.splitlines()[-1].startswith(f"- {count - 1} x")
    assert (words.body.splitlines()[0] == "\N{HORIZONTAL ELLIPSIS}") is (count > 50)
