"""The six types end to end on both databases: found, sent, recorded as themselves, not repeated."""

import threading
import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from policy_notify.container import Container
from policy_notify.models import (
    Delivery,
    Indication,
    IndicationDetails,
    IndicationStatus,
    NotificationType,
)
from policy_notify.runs.eligibility import CHANGED, DENIED, NO_PHONE, OBSOLETE, unknown_value
from sqlalchemy import delete, update

T = NotificationType


@pytest.mark.parametrize("type_", list(T))
def test_each_type_is_found_sent_recorded_as_itself_and_not_sent_again(
    scheme: Any, runs: Any, provider: Any, container: Container, today: date, type_: T
) -> None:
    family = scheme.family()
    policy = scheme.due(family, type_)

    runs.on(today, provider)
    runs.on(today, provider)

    sent = [one for one in provider.taken if one.type is type_]
    assert [(one.policy, one.recipient) for one in sent] == [(policy, "+255700000001")]
    others = {one.type for one in provider.taken} - {type_}
    assert others == set()
    with container.database.reading() as session:
        indication = session.get(Indication, policy)
        assert indication is not None
        assert {one for one in T if getattr(indication, one.value)} == {type_}
    (attempt,) = runs.attempts(IndicationDetails.type == type_)
    assert (attempt.status, attempt.reason) == (IndicationStatus.SENT, "")
    assert attempt.provider == "Recorder"


def test_each_rejection_is_kept_with_its_status_and_reason(
    scheme: Any, runs: Any, provider: Any, today: date
) -> None:
    enabled = frozenset(T) - {T.EXPIRATION}
    denied = scheme.due(scheme.family(approval=False), T.BEFORE_EXPIRY)
    silent = scheme.due(scheme.family(approval=None), T.BEFORE_EXPIRY)
    disabled = scheme.due(scheme.family(), T.EXPIRATION)
    phoneless = scheme.due(scheme.family(phone=None), T.BEFORE_EXPIRY)
    old = scheme.policy(scheme.family())

    summary = runs.on(today, provider, eligible_types=enabled)

    by_policy = {(one.policy, one.type): (int(one.status), one.reason) for one in runs.attempts()}
    assert by_policy[denied, T.BEFORE_EXPIRY] == (2, DENIED)
    assert by_policy[silent, T.BEFORE_EXPIRY] == (2, DENIED)
    assert (disabled, T.EXPIRATION) not in by_policy
    assert by_policy[phoneless, T.BEFORE_EXPIRY] == (4, NO_PHONE)
    assert by_policy[old, T.ACTIVATION] == (3, OBSOLETE)
    assert provider.taken == []
    assert summary["by_type"]["need_for_renewal"]["reasons"] == {DENIED: 2, NO_PHONE: 1}
    assert (summary["sent"], summary["failed"]) == (0, 1)


def test_status_4_is_tried_again_by_the_next_run_and_no_other(
    scheme: Any, runs: Any, make_provider: Any, today: date
) -> None:
    scheme.due(scheme.family(), T.EXPIRATION)
    scheme.due(scheme.family(approval=False), T.EXPIRATION)
    runs.on(today, make_provider(rejects="down"))
    working = make_provider()

    runs.on(today, working)
    runs.on(today, working)

    assert len(working.taken) == 1
    attempts = runs.attempts(IndicationDetails.type == T.EXPIRATION)
    found = sorted((one.attempt, int(one.status)) for one in attempts)
    assert found == [(1, 2), (1, 4), (2, 1)]


def test_member_with_a_phone_is_told_when_the_head_has_none(
    scheme: Any, runs: Any, provider: Any, today: date
) -> None:
    family = scheme.family(phone=" ")
    first, second = sorted((uuid.uuid4(), uuid.uuid4()))
    scheme.person(family, "+255700000008", uuid=second)
    scheme.person(family, "+255700000007", uuid=first)
    scheme.person(None, "+255700000001", chf_id="00001")
    scheme.due(family, T.EXPIRATION)

    runs.on(today, provider)

    assert [one.recipient for one in provider.taken] == ["+255700000007"]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Dear Asha1 Mushi"), ("fr", "Bonjour Asha1"), ("sw", "Ndugu Asha1"), ("xx", "Dear")],
)
def test_message_is_in_the_familys_language(
    scheme: Any, runs: Any, provider: Any, today: date, language: str, words: str
) -> None:
    scheme.due(scheme.family(language=language), T.EXPIRATION)

    runs.on(today, provider)

    (message,) = provider.taken
    assert message.text.startswith(words)
    assert "10/05/2026" in message.text
    assert message.variables["AmountToBePaid"] == "30,000"


def test_second_provider_gets_the_message_once_when_the_first_fails(
    scheme: Any, runs: Any, make_provider: Any, today: date
) -> None:
    scheme.due(scheme.family(), T.EXPIRATION)
    first, second = make_provider("First", rejects="no credit"), make_provider("Second")
    third = make_provider("Third")

    runs.on(today, first, second, third)

    assert (len(second.taken), len(third.taken)) == (1, 0)
    (attempt,) = runs.attempts(IndicationDetails.type == T.EXPIRATION)
    assert (attempt.status, attempt.provider) == (IndicationStatus.SENT, "Second")


def test_both_providers_fail_with_both_reasons(
    scheme: Any, runs: Any, make_provider: Any, today: date
) -> None:
    scheme.due(scheme.family(), T.EXPIRATION)

    runs.on(today, make_provider("First", rejects="no credit"), make_provider("B", rejects="down"))

    (attempt,) = runs.attempts(IndicationDetails.type == T.EXPIRATION)
    assert attempt.status is IndicationStatus.ERROR
    assert attempt.reason == "First: no credit; B: down"


def test_message_that_may_have_been_taken_goes_to_nobody_else(
    scheme: Any, runs: Any, make_provider: Any, today: date
) -> None:
    scheme.due(scheme.family(), T.EXPIRATION)
    first, second = make_provider("First", loses=True), make_provider("Second")

    runs.on(today, first, second)
    runs.on(today, first, second)

    assert (len(first.taken), len(second.taken)) == (1, 0)
    (attempt,) = runs.attempts(IndicationDetails.type == T.EXPIRATION)
    assert attempt.status is IndicationStatus.UNDEFINED
    assert "not known" in attempt.reason


def test_without_a_provider_it_is_an_error(scheme: Any, runs: Any, today: date) -> None:
    scheme.due(scheme.family(), T.EXPIRATION)
    assert runs.on(today)["by_type"]["expiration_of_policy"]["reasons"] == {
        "No provider is configured": 1
    }


def test_two_days_without_a_scheduler_lose_no_reminder_and_repeat_none(
    scheme: Any, runs: Any, provider: Any, today: date
) -> None:
    """Runs on days 0, 3, 4, 5 of a week in which something is due every day."""
    dated = (T.STARTING, T.BEFORE_EXPIRY, T.EXPIRATION, T.AFTER_EXPIRY)
    policies = {}
    for back in range(6):
        for type_ in dated:
            day = today + timedelta(days=back)
            shift = {T.BEFORE_EXPIRY: 5, T.AFTER_EXPIRY: -5}.get(type_, 0)
            name = "effective_date" if type_ is T.STARTING else "expiry_date"
            changes = {name: day + timedelta(days=shift)}
            policies[scheme.policy(scheme.family(), **changes), type_] = day

    for day in (0, 3, 4, 5):
        runs.on(today + timedelta(days=day), provider)

    notified = [(one.policy, one.type) for one in provider.taken if one.type in dated]
    assert sorted(notified) == sorted(set(notified))
    assert set(policies) <= set(notified)


def test_changed_date_is_not_told_twice(scheme: Any, runs: Any, provider: Any, today: date) -> None:
    family = scheme.family()
    policy = scheme.due(family, T.EXPIRATION)
    runs.on(today, provider)
    scheme.due(family, T.EXPIRATION, uuid=policy, expiry_date=today + timedelta(days=30))

    runs.on(today + timedelta(days=30), provider)

    sent = [one for one in provider.taken if one.type is T.EXPIRATION]
    assert len(sent) == 1
    last = runs.attempts(IndicationDetails.type == T.EXPIRATION)[-1]
    assert (int(last.status), last.reason) == (5, "Already sent")


def test_started_message_of_a_dead_run_is_not_sent_again(
    scheme: Any, runs: Any, make_provider: Any, container: Container, today: date
) -> None:
    for _ in range(2):
        scheme.due(scheme.family(), T.EXPIRATION)
    runs.on(today, make_provider())
    forget_what_was_sent(container)
    first, second = runs.attempts(IndicationDetails.type == T.EXPIRATION)
    for attempt, name in ((first, "Files"), (second, "Service")):
        with container.database.writing() as session:
            session.execute(
                update(IndicationDetails)
                .where(IndicationDetails.id == attempt.id)
                .values(delivery=Delivery.STARTED, provider=name, status=0)
            )
    files, service = make_provider("Files"), make_provider("Service", is_repeatable=True)

    runs.on(today, service, files)

    assert files.taken == []
    assert [one.id for one in service.taken] == [second.id]
    unknown, repeated = runs.attempts(IndicationDetails.type == T.EXPIRATION)
    assert unknown.status is IndicationStatus.UNDEFINED
    assert "not known" in unknown.reason
    assert repeated.status is IndicationStatus.SENT


def test_message_that_a_dead_run_may_have_handed_over_goes_to_no_other_provider(
    scheme: Any, runs: Any, make_provider: Any, container: Container, today: date
) -> None:
    """The service that drops repetitions may have it; the gateway before it must not send it."""
    scheme.due(scheme.family(), T.EXPIRATION)
    runs.on(today, make_provider())
    with container.database.writing() as session:
        left = {"delivery": Delivery.STARTED, "provider": "Service", "status": 0}
        session.execute(update(IndicationDetails).values(left))
    gateway = make_provider("Gateway")
    service = make_provider("Service", is_repeatable=True, rejects="down")

    runs.on(today, gateway, service)

    assert gateway.taken == []
    (attempt,) = runs.attempts(IndicationDetails.type == T.EXPIRATION)
    assert attempt.status is IndicationStatus.UNDEFINED
    assert "not known" in attempt.reason


def test_consent_that_was_withdrawn_while_a_message_waited_counts(
    scheme: Any, runs: Any, make_provider: Any, container: Container, today: date
) -> None:
    family = scheme.family()
    scheme.due(family, T.EXPIRATION)
    runs.on(today, make_provider())
    with container.database.writing() as session:
        waits = {"delivery": Delivery.READY, "status": 0, "provider": None}
        session.execute(update(IndicationDetails).values(waits))
        from policy_notify.models import FamilyConsent

        session.execute(update(FamilyConsent).values(approval=False))
    provider = make_provider()

    runs.on(today, provider)

    assert provider.taken == []
    assert {int(one.status) for one in runs.attempts()} == {2}


def test_messages_of_a_repeatable_provider_are_started_together(
    scheme: Any, runs: Any, make_provider: Any, today: date
) -> None:
    for _ in range(5):
        scheme.due(scheme.family(), T.EXPIRATION)
    service, files = make_provider("S", is_repeatable=True), make_provider("F")

    runs.on(today, service, files)

    assert len(service.taken) == 5
    assert files.taken == []


def test_type_that_is_off_leaves_no_trace_and_once_on_finds_its_window(
    scheme: Any, runs: Any, provider: Any, today: date
) -> None:
    """Off in the morning, on at noon; by default all are off."""
    policy = scheme.due(scheme.family(), T.EXPIRATION)
    missed = scheme.policy(scheme.family(), expiry_date=today - timedelta(days=2))

    morning = runs.on(today, provider, eligible_types=frozenset())
    assert morning["found"] == 0
    assert runs.attempts() == []

    runs.on(today, provider, eligible_types=frozenset({T.EXPIRATION}))
    assert {one.policy for one in provider.taken} == {policy, missed}


def test_message_of_a_type_that_went_off_while_it_waited_is_told_once_it_is_on_again(
    scheme: Any, runs: Any, make_provider: Any, container: Container, today: date
) -> None:
    scheme.due(scheme.family(), T.EXPIRATION)
    runs.on(today, make_provider(rejects="down"))
    with container.database.writing() as session:
        session.execute(update(IndicationDetails).values(delivery=Delivery.READY, status=0))
    provider = make_provider()

    runs.on(today, provider, eligible_types=frozenset())
    assert runs.attempts(IndicationDetails.type == T.EXPIRATION) == []

    runs.on(today, provider)
    assert [one.type for one in provider.taken] == [T.EXPIRATION]


@pytest.mark.parametrize("change", ["renewed", "suspended", "ended", "notified"])
def test_policy_that_changes_while_a_run_waits_for_a_slow_gateway_is_decided_again(
    scheme: Any, runs: Any, make_provider: Any, container: Container, today: date, change: str
) -> None:
    families = [scheme.family(f"+25570000000{at}") for at in range(2)]
    policies = [scheme.due(family, T.EXPIRATION) for family in families]

    class Slow(make_provider):  # type: ignore[misc]
        """While it takes the first message, the other family's policy changes."""

        def send(self, message: Any) -> None:
            super().send(message)
            other = 1 - policies.index(message.policy)
            if len(self.taken) == 1:
                self.change(families[other], policies[other])

        def change(self, family: Any, policy: Any) -> None:
            if change == "renewed":
                scheme.policy(family, start_date=today + timedelta(days=1), expiry_date=None)
            elif change == "notified":
                with container.database.writing() as session:
                    session.add(Indication(policy=policy, expiration_of_policy=utc_now()))
            else:
                ended = {"validity_to": f"{today}T00:00:00Z"} if change == "ended" else {}
                scheme.due(family, T.EXPIRATION, uuid=policy, status="suspended", **ended)

    slow = Slow()
    runs.on(today, slow, reminds_suspended=False)

    assert len(slow.taken) == 1
    attempts = runs.attempts(IndicationDetails.type == T.EXPIRATION)
    reasons = sorted((int(one.status), one.reason) for one in attempts)
    assert reasons == [(1, ""), (5, "Already sent") if change == "notified" else (3, CHANGED)]


def test_number_that_changes_while_a_message_waits_is_the_one_that_is_told(
    scheme: Any, runs: Any, make_provider: Any, container: Container, today: date
) -> None:
    families = [scheme.family(f"+25570000000{at}") for at in range(2)]
    policies = [scheme.due(family, T.EXPIRATION) for family in families]

    class Slow(make_provider):  # type: ignore[misc]
        """While it takes the first message, the other head gets another number."""

        def send(self, message: Any) -> None:
            super().send(message)
            if len(self.taken) == 1:
                family = families[1 - policies.index(message.policy)]
                head = scheme.person(family, "+255711111111")
                scheme.put("families", uuid=family, location=scheme.village, head=head)

    slow = Slow()
    runs.on(today, slow)

    assert slow.taken[1].recipient == "+255711111111"
    last = runs.attempts(IndicationDetails.recipient == "+255711111111")
    assert [one.status for one in last] == [IndicationStatus.SENT]


@pytest.mark.parametrize(
    ("changes", "headless", "hole"),
    [
        ({}, True, "Name"),
        ({"effective_date": None}, False, "EffectiveDate"),
        ({"expiry_date": None}, False, "ExpiryDate"),
    ],
)
def test_message_that_would_have_a_hole_is_not_sent(
    scheme: Any, runs: Any, provider: Any, today: date, changes: Any, headless: bool, hole: str
) -> None:
    family = scheme.family(**({"head": None} if headless else {}))
    fresh = f"{today}T06:00:00Z"
    scheme.policy(family, validity_from=fresh, **changes)

    runs.on(today, provider)

    assert provider.taken == []
    (attempt,) = runs.attempts()
    assert (int(attempt.status), attempt.reason) == (5, unknown_value(hole))


@pytest.mark.parametrize(
    ("type_", "late", "words", "notified_as"),
    [
        (T.EXPIRATION, 0, "expires on 10/05/2026", T.EXPIRATION),
        (T.EXPIRATION, 3, "expired on 10/05/2026", T.AFTER_EXPIRY),
        (T.STARTING, 0, "starts on 10/05/2026", T.STARTING),
        (T.STARTING, 3, "is activated", T.ACTIVATION),
        (T.BEFORE_EXPIRY, 3, "expires on 15/05/2026", T.BEFORE_EXPIRY),
    ],
)
def test_message_that_is_caught_up_speaks_in_the_right_tense(
    scheme: Any,
    runs: Any,
    provider: Any,
    today: date,
    type_: T,
    late: int,
    words: str,
    notified_as: T,
) -> None:
    scheme.due(scheme.family(), type_)

    runs.on(today + timedelta(days=late), provider)

    (message,) = provider.taken
    assert words in message.text
    assert (message.type, message.spoken_as) == (type_, notified_as)


def forget_what_was_sent(container: Container) -> None:
    """A worker that dies while a message leaves has not noted that it was told."""
    with container.database.writing() as session:
        session.execute(delete(Indication))


def test_files_of_several_writers_are_all_there(tmp_path: Any, make_provider: Any) -> None:
    from uuid import uuid4

    from policy_notify.providers import Message
    from policy_notify.providers.text_file import TextFiles

    def write(name: str) -> None:
        files = TextFiles(tmp_path / "sent", with_recipient=True)
        for at in range(20):
            files.send(Message(uuid4(), T.RENEWAL, uuid4(), uuid4(), "1", "en", f"{name}{at}", {}))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    names = sorted(path.name for path in (tmp_path / "sent").iterdir())
    assert names == sorted(f"SMSMessage_{number}.txt" for number in range(1, 81))
    texts = {path.read_text() for path in (tmp_path / "sent").iterdir()}
    assert texts == {f"To: 1\n\n{name}{at}\n" for name in "abcd" for at in range(20)}


def test_file_of_a_message_holds_its_text_alone(tmp_path: Any) -> None:
    from uuid import uuid4

    from policy_notify.providers import Message
    from policy_notify.providers.text_file import TextFiles

    message = Message(uuid4(), T.RENEWAL, uuid4(), uuid4(), "1", "en", "Dear Asha.", {})
    TextFiles(tmp_path).send(message)
    assert (tmp_path / "SMSMessage_1.txt").read_text() == "Dear Asha."
