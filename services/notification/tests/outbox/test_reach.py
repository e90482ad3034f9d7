"""An address that fails for good again and again is skipped, until something arrives there."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from flask.testing import FlaskClient
from notification.container import Container
from notification.models import AddressFailure, ChannelCode, Rule, Template
from notification.outbox.reach import Failed, count_failed, forget_arrived
from notification.outbox.receiving import receive_receipts
from notification.retention import keep_bounded
from notification.transports import Outcome, Part, Result
from notification.transports.receipts import Receipt
from sqlalchemy import select, update

SMS, EMAIL = ChannelCode.SMS, ChannelCode.EMAIL
EVENT = "LICENCE_ISSUED"
FIRST, SECOND = "+255712345678", "+255754000111"
PERSON = ("anna", "TEACHER")
PAGE = "/admin/notification/unreachable/"


def failures(container: Container) -> dict[tuple[str, str], int]:
    with container.database.reading() as session:
        rows = session.scalars(select(AddressFailure))
        return {(one.user_id, one.address): one.failures for one in rows}


def fail(container: Container, times: int, address: str = FIRST, person: Any = PERSON) -> None:
    with container.database.writing() as session:
        for _ in range(times):
            count_failed(session, [Failed(person, SMS, address, "ABSENT")], utc_now())


def refused(**more: Any) -> Result:
    given = {"outcome": Outcome.REFUSED_FOR_GOOD, "provider": "test", "error": "refused it"}
    return Result(**{**given, "is_about_address": True, **more})


@pytest.fixture
def emit(container: Container, api: Any) -> Callable[..., Any]:
    """Emits an event with a rule and words over SMS and e-mail to Anna."""
    with container.database.writing() as session:
        rule = Rule(event_code=EVENT, recipient_policy="ALL", priority="NORMAL")
        session.add(rule)
        for channel in (SMS, EMAIL):
            words = {"event_code": EVENT, "language": "en", "body": "Habari", "version": 1}
            session.add(Template(channel=channel, **words))
    assert api.patch(f"rules/{rule.id}/", {"channels": ["SMS", "EMAIL"]}).status_code == 200

    def emitted(**address: Any) -> tuple[list[str | None], list[str]]:
        person = {"user_id": "anna", "actor_type": "TEACHER", "to_email": "a@b.example", **address}
        answer = api.post("emit/", {"event_code": EVENT, "recipients": [person]}).get_json()
        queued = [
            api.get(f"outbox/{one}/").get_json()["data"] for one in answer["queued_outbox_ids"]
        ]
        numbers = [one["to_phone"] for one in queued if one["channel"] == "SMS"]
        return numbers, [one["reason"] for one in answer["skipped"]]

    return emitted


# What is counted


@pytest.mark.parametrize(
    ("result", "counted"),
    [
        (refused(), {FIRST: 1}),
        (refused(is_about_address=False), {}),  # a status: perhaps we asked it wrong
        (refused(outcome=Outcome.REFUSED_FOR_NOW, is_about_address=False), {}),
    ],
)
def test_a_number_that_a_provider_refuses_is_counted(
    container: Container, store: Any, outbox: Any, sms: Any, result: Result, counted: Any
) -> None:
    sms.answer = lambda _message: result
    store.queue(recipient_user_id="anna", to_phone=FIRST)
    outbox.process([SMS], 1)
    assert failures(container) == {("anna", one): count for one, count in counted.items()}


def test_of_several_numbers_the_refused_one_is_counted(
    container: Container, store: Any, outbox: Any, sms: Any
) -> None:
    parts = (Part(0, "a"), Part(1, "b", is_refused=True, reason="REJECTED"))
    sms.answer = lambda _message: refused(taken_in_part=True, parts=parts)
    store.queue(recipient_user_id="anna", to_phone=f"{FIRST},{SECOND}")
    outbox.process([SMS], 1)
    assert failures(container) == {("anna", SECOND): 1}


def receipts(container: Container, *given: Receipt) -> None:
    with container.database.writing() as session:
        receive_receipts(session, "test", given)


def test_receipts_count_failures_and_an_arrival_forgets_them(
    container: Container, store: Any, outbox: Any, sms: Any
) -> None:
    sms.answer = lambda message: sms.taken(message.reference)
    ids = store.queue(3, recipient_user_id="anna", to_phone=FIRST)
    outbox.process([SMS], 10)
    known = [store.one(one).idempotency_key for one in ids]

    def receipt(which: int, delivered: bool) -> Receipt:
        return Receipt(
            provider_message_id=known[which], reference=None, delivered=delivered, reason="ABSENT"
        )

    receipts(container, receipt(0, False), receipt(1, False), receipt(0, False))
    assert failures(container) == {("anna", FIRST): 2}
    receipts(container, receipt(2, True))
    assert failures(container) == {}


def test_many_workers_count_every_failure(
    container: Container, in_threads: Callable[..., None]
) -> None:
    in_threads(*[lambda: fail(container, 5)] * 4)
    assert failures(container) == {("anna", FIRST): 20}


# What is skipped


def test_a_number_that_failed_too_often_is_skipped_until_it_changes(
    container: Container, emit: Callable[..., Any]
) -> None:
    fail(container, 2)
    assert emit(to_phone="0712345678") == ([FIRST], [])
    fail(container, 1)
    reason = "Unreachable: failed for good 3 times"
    assert emit(to_phone="0712345678") == ([], [reason])
    assert emit(to_phone=[FIRST, SECOND]) == ([SECOND], [reason])
    assert emit(to_phone=SECOND) == ([SECOND], [])


def test_a_number_is_skipped_for_its_person_only(
    container: Container, emit: Callable[..., Any]
) -> None:
    fail(container, 3, person=("anna", "STAFF"))
    fail(container, 3, person=("ben", "TEACHER"))
    assert emit(to_phone=FIRST) == ([FIRST], [])


def test_an_address_is_skipped_as_well(container: Container, emit: Callable[..., Any]) -> None:
    fail(container, 3, "a@b.example")
    numbers, reasons = emit(to_phone=FIRST)
    assert (numbers, reasons) == ([FIRST], ["Unreachable: failed for good 3 times"])


def test_what_arrives_anywhere_clears_the_number_for_everybody(
    container: Container, emit: Callable[..., Any]
) -> None:
    fail(container, 3)
    fail(container, 3, person=("ben", "TEACHER"))
    with container.database.writing() as session:
        forget_arrived(session, [FIRST])
    assert (failures(container), emit(to_phone=FIRST)) == ({}, ([FIRST], []))


def test_old_failures_are_forgotten(container: Container) -> None:
    fail(container, 3)
    long_ago = utc_now() - timedelta(days=91)
    with container.database.writing() as session:
        session.execute(update(AddressFailure).values(last_at=long_ago))
    fail(container, 1, SECOND)
    keep_bounded(container.database, container.settings)
    assert failures(container) == {("anna", SECOND): 1}


# The report


def test_people_who_cannot_be_reached_are_reported(container: Container, api: Any) -> None:
    fail(container, 3)
    fail(container, 1, SECOND)
    fail(container, 2, person=("ben", "STAFF"))

    answer = api.get("unreachable/").get_json()

    assert answer["count"] == 3
    assert {(one["user_id"], one["failures"]) for one in answer["data"]} == {
        *(("anna", 3), ("anna", 1), ("ben", 2)),
    }
    (skipped,) = api.get("unreachable/", skipped="yes").get_json()["data"]
    assert (skipped["address"], skipped["reason"], skipped["channel"]) == (FIRST, "ABSENT", "SMS")
    assert api.get("unreachable/", skipped="no").get_json()["count"] == 2
    assert api.get("unreachable/", user_id="ben", actor_type="STAFF").get_json()["count"] == 1
    assert api.get("unreachable/", channel="EMAIL").get_json()["count"] == 0


def test_an_operator_has_a_number_tried_again(
    container: Container, api: Any, emit: Callable[..., Any]
) -> None:
    fail(container, 3)
    (found,) = api.get("unreachable/").get_json()["data"]
    answer = api.post(f"unreachable/{found['id']}/try-again/")
    assert answer.get_json()["data"]["address"] == FIRST
    assert emit(to_phone=FIRST) == ([FIRST], [])
    assert api.post(f"unreachable/{found['id']}/try-again/").status_code == 404


def test_the_console_shows_them_and_tries_again(
    console: Callable[[str], FlaskClient], csrf: dict[str, str], container: Container
) -> None:
    assert "Everybody can be reached" in console("viewer").get(PAGE).text
    fail(container, 3)
    page = console("viewer").get(f"{PAGE}?skipped=true").text
    assert (FIRST in page, ">skipped<" in page, "Try again" in page) == (True, True, False)
    sheet = console("viewer").get(f"{PAGE}?format=csv").text
    assert sheet.splitlines()[1].startswith('"anna","TEACHER","SMS",')
    with container.database.reading() as session:
        id_ = session.scalars(select(AddressFailure.id)).one()
    act = f"{PAGE}{id_}/try-again/"
    assert console("viewer").post(act, data=csrf).status_code == 403
    assert console("operator").post(act, data=csrf).status_code == 303
    assert failures(container) == {}
