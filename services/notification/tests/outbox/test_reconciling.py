"""UNKNOWN messages: asked about, then sent again visibly or held; never silently sent twice."""

from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from notification.models import (
    AttemptStatus,
    DeliveryLog,
    Event,
    MessageStatus,
    Module,
    UnknownPolicy,
)
from notification.outbox.reconciling import RESENT, Reconciler
from notification.transports import Outcome

WAIT = timedelta(minutes=15)
LEASE = timedelta(minutes=1)


@pytest.fixture
def reconciler(container: Any) -> Reconciler:
    return Reconciler(container.database, lease=LEASE, wait=WAIT)


@pytest.fixture
def unknown_message(store: Any) -> Any:
    """An UNKNOWN message for some seconds, of an event with this policy."""

    def make(policy: UnknownPolicy = UnknownPolicy.HOLD, *, for_s: float = 0, **values: Any) -> Any:
        with store.database.writing() as session:
            session.add(Module(code="TEST", name="Test"))
            session.flush()
            session.add(Event(code="OUTCOME_UNKNOWN", module="TEST", when_unknown=policy))
        given = {"event_code": "OUTCOME_UNKNOWN", "attempt_count": 1, "provider": "test"} | values
        [id_] = store.queue(status=MessageStatus.UNKNOWN, last_error="time-out", **given)
        since = utc_now() - timedelta(seconds=for_s)
        with store.database.writing() as session:
            session.add(
                DeliveryLog(
                    outbox_id=id_,
                    attempt_no=given["attempt_count"],
                    status=AttemptStatus.UNKNOWN,
                    error_message="time-out",
                    ended_at=since,
                )
            )
        return id_

    return make


@pytest.mark.parametrize(
    ("outcome", "status", "entry"),
    [
        (Outcome.SENT, "SENT", "sent"),
        (Outcome.DELIVERED, "DELIVERED", "delivered"),
        (Outcome.REFUSED_FOR_NOW, "FAILED", "failed_temporary"),
        (Outcome.REFUSED_FOR_GOOD, "FAILED", "failed_final"),
    ],
)
def test_the_providers_answer_ends_the_doubt(
    reconciler: Any,
    unknown_message: Any,
    store: Any,
    sms: Any,
    outcome: Any,
    status: str,
    entry: str,
) -> None:
    id_ = unknown_message()
    reference = store.one(id_).idempotency_key
    sms.known[reference] = sms.refused(outcome, response={"code": 1})
    assert reconciler.step(sms) == 1
    assert sms.asked == [reference]
    assert store.one(id_).status == status
    [log] = store.log(id_)
    assert (log.status, log.response_payload) == (entry, {"code": 1, "was_in_doubt": "time-out"})


def test_provider_that_cannot_say_is_asked_again_later(
    reconciler: Any, unknown_message: Any, store: Any, sms: Any
) -> None:
    id_ = unknown_message(UnknownPolicy.RESEND, for_s=60)
    assert reconciler.step(sms) == 1
    row = store.one(id_)
    assert (row.status, row.lease_token) == ("UNKNOWN", None)
    assert timedelta(seconds=50) < row.next_attempt_at - utc_now() < timedelta(seconds=70)
    assert reconciler.step(sms) == 0


def test_event_that_wants_it_has_its_message_sent_again_and_the_log_says_so(
    reconciler: Any, unknown_message: Any, outbox: Any, store: Any, sms: Any
) -> None:
    id_ = unknown_message(UnknownPolicy.RESEND, for_s=901)
    reconciler.step(sms)
    assert store.one(id_).status == "QUEUED"
    outbox.process(["SMS"], 10)
    log = [(entry.attempt_no, entry.status, entry.error_message) for entry in store.log(id_)]
    assert log == [(1, "unknown", "time-out"), (2, "resent", RESENT), (3, "sent", None)]
    assert store.one(id_).attempt_count == 2


@pytest.mark.parametrize(
    ("policy", "attempts"), [(UnknownPolicy.HOLD, 1), (UnknownPolicy.RESEND, 5)]
)
def test_other_messages_are_held_for_an_operator(
    reconciler: Any, unknown_message: Any, store: Any, sms: Any, policy: Any, attempts: int
) -> None:
    id_ = unknown_message(policy, for_s=901, attempt_count=attempts)
    reconciler.step(sms)
    row = store.one(id_)
    assert (row.status, row.is_final, row.last_error) == ("UNKNOWN", True, "time-out")
    assert reconciler.step(sms) == 0


def test_answer_that_comes_after_an_operators_decision_changes_nothing(
    reconciler: Any, unknown_message: Any, store: Any, sms: Any
) -> None:
    id_ = unknown_message()

    class Decided(dict):
        def get(self, _reference: str) -> Any:
            store.change(id_, status=MessageStatus.CANCELLED, lease_token=None)
            return sms.taken()

    sms.known = Decided()
    reconciler.step(sms)
    assert store.one(id_).status == "CANCELLED"


def test_transport_that_breaks_when_asked_says_nothing(
    reconciler: Any, unknown_message: Any, store: Any, sms: Any
) -> None:
    id_ = unknown_message(for_s=60)
    sms.known = None
    assert reconciler.step(sms) == 1
    assert (store.one(id_).status, store.one(id_).lease_token) == ("UNKNOWN", None)


def test_two_reconcilers_ask_about_a_message_once(
    reconciler: Any, unknown_message: Any, sms: Any, in_threads: Any
) -> None:
    unknown_message()
    in_threads(*[lambda: reconciler.step(sms)] * 2)
    assert len(sms.asked) == 1
