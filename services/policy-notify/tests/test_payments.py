"""Payments: reported once, decided by consent, sent once, in the words of what happened."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from policy_notify.container import Container
from policy_notify.models import (
    Delivery,
    IndicationStatus,
    Insuree,
    PaymentEvent,
    PaymentNotice,
    PaymentText,
)
from policy_notify.retention import keep_bounded
from policy_notify.runs.eligibility import DENIED, NO_PHONE, OBSOLETE
from policy_notify.runs.lease import PAYMENTS_LEASE_ID, Lease
from policy_notify.runs.payment_judge import NOT_ENABLED, UNKNOWN_POLICY
from policy_notify.runs.payments import RETRY_AFTER, PaymentSender
from sqlalchemy import func, select

STARTS, ENDS = date(2026, 5, 1), date(2027, 4, 30)
IN_FORCE = {"start_date": STARTS, "effective_date": STARTS, "expiry_date": ENDS}


@dataclass
class Sender:
    """The worker's part that sends about payments, with providers and a clock of the test's."""

    container: Container
    later: timedelta = field(default_factory=timedelta)

    def send(
        self, *providers: Any, events: frozenset[PaymentEvent] = frozenset(PaymentEvent)
    ) -> bool:
        settings = replace(self.container.settings, payment_events=events)
        container = replace(self.container, providers=providers, settings=settings)
        now = lambda: utc_now() + self.later  # noqa: E731
        lease = Lease(timedelta(minutes=1), now=now, row_id=PAYMENTS_LEASE_ID)
        return PaymentSender(container, lambda: False, lease).step()

    def notice(self) -> PaymentNotice:
        with self.container.database.reading() as session:
            return session.scalars(select(PaymentNotice)).one()


@pytest.fixture
def sender(container: Container) -> Sender:
    """What sends messages about payments."""
    return Sender(container)


def report(api: Any, event: str, *policies: uuid.UUID, **facts: Any) -> dict[str, Any]:
    given = {
        "uuid": str(uuid.uuid4()),
        "event": event,
        "policies": [str(one) for one in policies],
        "control_number": "991234567890",
        "requested_at": "2026-05-01T09:30:00",
        "expected_amount": "30000",
        **facts,
    }
    answer = api.post("payments/", given)
    assert answer.status_code == 202, answer.get_json()
    reported: dict[str, Any] = answer.get_json()
    return reported


@pytest.mark.parametrize(
    ("event", "facts", "said", "words"),
    [
        (
            "control_number_assigned",
            {},
            PaymentText.ASSIGNED,
            "Control number 991234567890 was assigned for CHF01, requested on 01/05/2026. "
            "Amount to be paid: 30,000.",
        ),
        (
            "control_number_failed",
            {"error": "the bank is closed"},
            PaymentText.SINGLE_FAILED,
            "No control number could be given for CHF01, requested on 01/05/2026: "
            "the bank is closed.",
        ),
        (
            "paid",
            {"received_amount": "30000.00"},
            PaymentText.ACTIVATED,
            "We received 30,000 with control number 991234567890. Policy CHF01 of 70001 is active "
            "from 01/05/2026 to 30/04/2027.",
        ),
        (
            "paid",
            {"received_amount": "10000.50", "activated": False},
            PaymentText.NOT_ACTIVATED,
            "We received 10,000.50 of 30,000 with control number 991234567890. Policy CHF01 of "
            "70001 is not active yet.",
        ),
    ],
)
def test_each_event_is_said_to_the_family_once_in_its_own_words(
    api: Any,
    scheme: Any,
    sender: Sender,
    provider: Any,
    event: str,
    facts: dict[str, Any],
    said: PaymentText,
    words: str,
) -> None:
    family = scheme.family("0700 000 001")
    policy = scheme.policy(family, **IN_FORCE)
    report(api, event, policy, **facts)

    assert sender.send(provider)
    assert not sender.send(provider)

    (message,) = provider.taken
    assert (message.type, message.text) == (said, words)
    assert (message.recipient, message.family) == ("+255700000001", family)
    (listed,) = api.get("payments/").get_json()["data"]
    assert (listed["status"], listed["delivery"], listed["message"]) == (1, "ended", words)
    assert listed["family"] == str(family)


def test_money_for_no_policy_is_said_to_the_payer_in_the_payers_language(
    api: Any, sender: Sender, provider: Any
) -> None:
    facts = {"received_amount": "5000", "phone": "0754 000 111", "language": "fr"}
    report(api, "not_matched", **facts)

    sender.send(provider)

    (message,) = provider.taken
    assert (message.recipient, message.language, message.family) == ("+255754000111", "fr", None)
    assert "5,000" in message.text
    assert message.variables["PaymentLeft"] == "25,000"


def test_report_that_is_repeated_is_kept_and_sent_once(
    api: Any, scheme: Any, sender: Sender, provider: Any, container: Container
) -> None:
    policy = scheme.policy(scheme.family())
    given = {
        "uuid": str(uuid.uuid4()),
        "event": "control_number_assigned",
        "policies": [str(policy)],
    }
    given |= {"control_number": "99", "expected_amount": 1, "requested_at": "2026-05-01T09:30:00Z"}
    first = api.post("payments/", given)
    sender.send(provider)

    again = api.post("payments/", given)
    sender.send(provider)

    assert (first.status_code, again.status_code) == (202, 200)
    assert again.get_json()["id"] == first.get_json()["id"]
    assert again.get_json()["status"] == 1
    assert len(provider.taken) == 1
    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(PaymentNotice)) == 1
    assert api.get(f"payments/{given['uuid']}/").get_json()["status"] == 1
    assert api.get(f"payments/{uuid.uuid4()}/").status_code == 404


def test_rejections_are_kept_with_status_and_reason(
    api: Any, scheme: Any, sender: Sender, provider: Any
) -> None:
    denied = scheme.policy(scheme.family(approval=False))
    ended = scheme.policy(scheme.family(validity_to="2026-01-01T00:00:00Z"))
    phoneless = scheme.policy(scheme.family(None))
    policy = scheme.policy(scheme.family())
    assigned = "control_number_assigned"
    old = (utc_now() - timedelta(days=9)).isoformat()
    expected = {
        report(api, assigned, denied, phone="0754000111")["uuid"]: (2, DENIED),
        report(api, assigned, ended, phone="0754000111")["uuid"]: (2, DENIED),
        report(api, assigned, phoneless)["uuid"]: (4, NO_PHONE),
        report(api, assigned, uuid.uuid4(), phone="0754000111")["uuid"]: (4, UNKNOWN_POLICY),
        report(api, assigned, policy, occurred_at=old)["uuid"]: (3, OBSOLETE),
        report(api, "paid", policy, received_amount="1")["uuid"]: (5, NOT_ENABLED),
        report(api, assigned, policy, control_number=None)["uuid"]: (
            5,
            "The text names {ControlNumber}, and it is not known",
        ),
    }

    sender.send(provider, events=frozenset({PaymentEvent.CONTROL_NUMBER_ASSIGNED}))

    listed = {one["uuid"]: one for one in api.get("payments/").get_json()["data"]}
    assert {key: (one["status"], one["reason"]) for key, one in listed.items()} == expected
    assert provider.taken == []


def test_without_setting_nothing_is_said_about_payments(
    api: Any, scheme: Any, container: Container, provider: Any, sender: Sender
) -> None:
    report(api, "control_number_assigned", scheme.policy(scheme.family()))
    assert container.settings.payment_events == frozenset()
    sender.send(provider, events=container.settings.payment_events)
    assert provider.taken == []


def test_what_nobody_took_is_tried_again_and_what_may_have_left_is_not(
    api: Any, scheme: Any, sender: Sender, make_provider: Any
) -> None:
    report(api, "control_number_assigned", scheme.policy(scheme.family()))
    sender.send(make_provider(rejects="no credit"))
    assert (sender.notice().status, sender.notice().reason) == (4, "Recorder: no credit")
    working, losing = make_provider(), make_provider(loses=True)
    assert not sender.send(working)

    sender.later = RETRY_AFTER + timedelta(seconds=1)
    assert sender.send(losing, working)
    sender.later *= 2
    assert not sender.send(losing, working)

    assert (len(losing.taken), working.taken) == (1, [])
    notice = sender.notice()
    assert (notice.status, notice.attempt) == (IndicationStatus.UNDEFINED, 2)
    assert "not known" in notice.reason


def test_what_failed_for_days_is_given_up(
    api: Any, scheme: Any, sender: Sender, make_provider: Any
) -> None:
    report(api, "control_number_assigned", scheme.policy(scheme.family()))
    sender.send(make_provider(rejects="down"))
    sender.later = timedelta(days=5)
    working = make_provider()
    sender.send(working)
    assert (working.taken, sender.notice().status) == ([], IndicationStatus.OBSOLETE)


@pytest.mark.parametrize("repeatable", [False, True])
def test_killed_senders_message_goes_again_only_where_repetitions_are_dropped(
    api: Any,
    scheme: Any,
    sender: Sender,
    container: Container,
    make_provider: Any,
    repeatable: bool,
) -> None:
    report(api, "control_number_assigned", scheme.policy(scheme.family()))
    with container.database.writing() as session:
        notice = session.scalars(select(PaymentNotice)).one()
        notice.delivery, notice.provider = Delivery.STARTED, "Recorder"
    taking = make_provider(is_repeatable=repeatable)
    sender.send(taking)
    assert len(taking.taken) == int(repeatable)
    assert int(sender.notice().status) == int(repeatable)


def test_one_process_at_a_time_sends(
    api: Any, scheme: Any, sender: Sender, container: Container, provider: Any
) -> None:
    report(api, "control_number_assigned", scheme.policy(scheme.family()))
    other = Lease(timedelta(minutes=1), row_id=PAYMENTS_LEASE_ID)
    with container.database.writing() as session:
        assert other.take(session)
    assert not sender.send(provider)
    with container.database.writing() as session:
        other.give_back(session)
    assert sender.send(provider)
    assert len(provider.taken) == 1


def test_payment_of_several_families_goes_to_the_payer_alone(
    api: Any, scheme: Any, sender: Sender, provider: Any
) -> None:
    policies = [scheme.policy(scheme.family(approval=False)) for _ in range(5)]
    report(api, "control_number_failed", *policies, error="no answer", phone="0754000111")
    report(api, "control_number_failed", *policies, error="no answer")

    sender.send(provider)

    (message,) = provider.taken
    assert message.type is PaymentText.BULK_FAILED
    assert (message.recipient, message.family) == ("+255754000111", None)
    assert message.variables["InsuranceID"] == "70001, 70002, 70003 +2"
    assert message.variables["NumberPolicies"] == "5"
    assert message.variables["ProductCode"] == "CHF01"


def test_words_and_numbers_are_forgotten_by_age_and_by_erasure(
    api: Any, scheme: Any, sender: Sender, provider: Any, container: Container
) -> None:
    family = scheme.family()
    policy = scheme.policy(family)
    report(api, "control_number_assigned", policy)
    sender.send(provider)
    report(api, "control_number_assigned", policy, phone="0754000111")
    with container.database.writing() as session:
        sent = session.scalars(select(PaymentNotice).where(PaymentNotice.delivery == "ended")).one()
        sent.created_at = utc_now() - timedelta(days=91)
    scheme.person(family, "0754000111")
    with container.database.reading() as session:
        payer = session.scalars(select(Insuree).where(Insuree.number == "+255754000111")).one().uuid

    assert keep_bounded(container.database, container.settings)["payments"] == 1
    assert api.delete(f"insurees/{payer}/").get_json()["messages"] == 1

    sender.send(provider)
    assert len(provider.taken) == 1
    with container.database.reading() as session:
        for one in session.scalars(select(PaymentNotice)):
            kept = (one.facts, one.message, one.recipient, one.payer_number, one.variables)
            assert kept == (None, None, None, None, None)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"event": "refunded"}, "event"),
        ({"uuid": "1"}, "uuid"),
        ({"expected_amount": "-1"}, "expected_amount"),
        ({"policies": [str(uuid.uuid4()) for _ in range(101)]}, "policies"),
        ({"error": "two\nlines"}, "error"),
        ({"password": "x"}, "password"),
    ],
)
def test_bad_report_is_rejected_by_name(api: Any, changes: dict[str, Any], named: str) -> None:
    given = {"uuid": str(uuid.uuid4()), "event": "paid", **changes}
    answer = api.post("payments/", given)
    assert answer.status_code == 422
    assert named in answer.get_json()["errors"]


def test_scopes_are_asked(api_with: Any) -> None:
    given = {"uuid": str(uuid.uuid4()), "event": "paid"}
    assert api_with("policy:read").post("payments/", given).status_code == 403
    assert api_with("policy:write").get("payments/").status_code == 403
