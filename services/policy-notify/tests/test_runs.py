"""One run at a time across workers, on record, continued after a stop; on both databases."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from policy_notify.container import Container
from policy_notify.errors import RunInProgress, RunLost
from policy_notify.models import (
    Delivery,
    IndicationDetails,
    NotificationType,
    Run,
    RunStatus,
)
from policy_notify.runs.attempts import PolicyAttempts
from policy_notify.runs.decide import decide_all, judge_for
from policy_notify.runs.dispatch import Dispatcher
from policy_notify.runs.lease import Lease
from policy_notify.runs.lifecycle import begin, begin_by_hand, request_run, request_slot
from policy_notify.runs.running import carry_out, rehearse
from policy_notify.worker import Scheduler
from sqlalchemy import select

T = NotificationType
#: 08:30 in Dar es Salaam, where the scheduled hours are 8, 12, 16 and 20.
AT_EIGHT = datetime(2026, 5, 10, 5, 30, tzinfo=UTC)


def all_runs(container: Container) -> list[Run]:
    with container.database.reading() as session:
        return list(session.scalars(select(Run).order_by(Run.id)))


def scheduler(container: Container, *providers: Any, now: datetime = AT_EIGHT) -> Scheduler:
    return Scheduler(
        replace(container, providers=providers), threading.Event(), lambda: None, now=lambda: now
    )


def test_two_workers_at_the_scheduled_hour_make_one_run(
    scheme: Any, container: Container, make_provider: Any
) -> None:
    for _ in range(3):
        scheme.due(scheme.family(), T.EXPIRATION)
    providers = [make_provider(str(number)) for number in range(4)]
    workers = [scheduler(container, one) for one in providers]
    threads = [threading.Thread(target=worker.step) for worker in workers]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in workers:
        worker.step()

    (run,) = all_runs(container)
    assert (run.status, run.slot) == (RunStatus.ENDED, AT_EIGHT.replace(minute=0))
    assert sorted(len(one.taken) for one in providers) == [0, 0, 0, 3]


def test_every_slot_makes_a_run_of_its_own_and_nothing_runs_between(
    container: Container, scheme: Any
) -> None:
    for hour in (5, 6, 9, 17, 18):
        scheduler(container, now=AT_EIGHT.replace(hour=hour)).step()
    assert [run.slot.hour for run in all_runs(container) if run.slot] == [5, 9, 17]


def test_slots_day_is_the_schemes(container: Container, scheme: Any) -> None:
    """At 21:30 in Greenwich it is tomorrow in Dar es Salaam."""
    night = replace(container, settings=replace(container.settings, scheduled_hours=(0,)))
    Scheduler(night, threading.Event(), lambda: None, now=lambda: AT_EIGHT.replace(hour=21)).step()
    (run,) = all_runs(container)
    assert run.run_date == (AT_EIGHT + timedelta(days=1)).date()


def test_run_that_goes_on_days_later_tells_nothing_that_is_over(
    scheme: Any, container: Container, provider: Any, today: Any
) -> None:
    """Its worker died, and nobody was there for ten days."""
    scheme.due(scheme.family(), T.EXPIRATION)
    now_due = scheme.due(scheme.family(), T.EXPIRATION, expiry_date=today + timedelta(days=10))
    request_slot(container.database, AT_EIGHT, today, AT_EIGHT)
    begin(container.database, Lease(timedelta(minutes=1), now=lambda: AT_EIGHT))

    assert scheduler(container, provider, now=AT_EIGHT + timedelta(days=10, hours=9)).step() == 1

    notified = [one.policy for one in provider.taken if one.type is T.EXPIRATION]
    assert notified == [now_due]


def test_run_is_recorded_with_what_it_found(
    api: Any, scheme: Any, runs: Any, provider: Any, today: Any
) -> None:
    scheme.due(scheme.family(), T.EXPIRATION)
    scheme.due(scheme.family(approval=False), T.STARTING)
    runs.on(today, provider)

    (run,) = api.get("runs/").get_json()["data"]

    assert run["status"] == "ended"
    summary = run["summary"]
    by_type = summary.pop("by_type")
    denied = "The family has denied notifications"
    too_old = "The event is too old for a notification"
    assert summary == {
        "found": 4,
        "eligible": 1,
        "sent": 1,
        "failed": 0,
        "reasons": {denied: 2, too_old: 1},
    }
    assert by_type["starting_of_policy"]["reasons"] == {denied: 1}
    assert by_type["expiration_of_policy"]["sent"] == 1
    assert api.get(f"runs/{run['id']}/").get_json()["id"] == run["id"]


def test_run_by_api_is_carried_out_by_a_worker(
    api: Any, scheme: Any, container: Container, provider: Any, today: Any
) -> None:
    scheme.due(scheme.family(), T.EXPIRATION)
    answer = api.post("runs/", {"date": str(today)})
    assert answer.status_code == 202
    assert answer.get_json()["status"] == "requested"
    outside = AT_EIGHT.replace(hour=1)

    assert scheduler(container, provider, now=outside).step() == 1

    assert len(provider.taken) == 1
    found = api.get("indications/", type="expiration_of_policy", status=1).get_json()["data"]
    assert [one["recipient"] for one in found] == ["+255700000001"]
    counts = api.get("metrics/").get_json()["data"]
    assert {"type": "expiration_of_policy", "status": 1, "count": 1} in counts
    for date in ("x", "0001-01-01", "9999-12-31"):
        rejected = api.post("runs/", {"date": date})
        assert (rejected.status_code, set(rejected.get_json()["errors"])) == (422, {"date"})


def test_second_run_by_hand_is_rejected_while_one_is_on(
    container: Container, scheme: Any, today: Any
) -> None:
    begin_by_hand(container.database, Lease(timedelta(minutes=1)), today, "one")
    with pytest.raises(RunInProgress):
        begin_by_hand(container.database, Lease(timedelta(minutes=1)), today, "two")
    assert len(all_runs(container)) == 1


def test_stopped_run_is_continued_by_the_next_worker_and_repeats_nothing(
    scheme: Any, container: Container, make_provider: Any, today: Any
) -> None:
    for _ in range(5):
        scheme.due(scheme.family(), T.EXPIRATION)
    first, second = make_provider("First"), make_provider("Second")
    with container.database.writing() as session:
        request_run(session, today, "test")
    lease = Lease(timedelta(minutes=1))
    run = begin(container.database, lease)
    assert run is not None
    stopping = replace(container, providers=(first,))
    assert not carry_out(stopping, run, lease, lambda: len(first.taken) == 2)

    assert scheduler(container, second, now=AT_EIGHT.replace(hour=1)).step() == 1

    (ended,) = all_runs(container)
    assert (ended.status, ended.continuations) == (RunStatus.ENDED, 1)
    assert ended.summary is not None
    assert ended.summary["sent"] == 5
    notified = [one.policy for one in first.taken + second.taken]
    assert len(notified) == len(set(notified)) == 5


def test_dead_workers_run_is_taken_over_only_when_its_lease_is_over(
    scheme: Any, container: Container, provider: Any, today: Any
) -> None:
    with container.database.writing() as session:
        request_run(session, today, "test")
    dead = Lease(timedelta(minutes=1), now=lambda: AT_EIGHT)
    assert begin(container.database, dead) is not None
    early = scheduler(container, provider, now=AT_EIGHT + timedelta(seconds=59))
    late = scheduler(container, provider, now=AT_EIGHT + timedelta(seconds=61))

    assert early.step() == 0
    assert late.step() == 1

    with pytest.raises(RunLost), container.database.writing() as session:
        dead.keep(session)


def test_worker_that_was_thought_dead_writes_nothing_more(
    scheme: Any, container: Container, make_provider: Any, today: Any
) -> None:
    scheme.due(scheme.family(), T.EXPIRATION)
    lease = Lease(timedelta(minutes=1))
    run = begin_by_hand(container.database, lease, today, "test")

    class Robber(make_provider):  # type: ignore[misc]
        """Meanwhile another worker takes the lease."""

        def send(self, message: Any) -> None:
            super().send(message)
            with container.database.writing() as session:
                lease.give_back(session)
                assert Lease(timedelta(minutes=1)).take(session)

    with pytest.raises(RunLost):
        carry_out(replace(container, providers=(Robber(),)), run, lease, lambda: False)

    with container.database.reading() as session:
        query = select(IndicationDetails).where(IndicationDetails.type == T.EXPIRATION)
        (attempt,) = session.scalars(query)
    assert attempt.delivery is Delivery.STARTED


def test_slow_messages_that_start_together_do_not_use_the_lease_up(
    scheme: Any, container: Container, make_provider: Any, today: Any
) -> None:
    for _ in range(5):
        scheme.due(scheme.family(), T.EXPIRATION)
    clock = [AT_EIGHT]
    lease = Lease(timedelta(minutes=1), now=lambda: clock[0])

    class Slow(make_provider):  # type: ignore[misc]
        """Each message takes 20 s; another worker looks for work meanwhile."""

        def send(self, message: Any) -> None:
            clock[0] += timedelta(seconds=20)
            super().send(message)
            other = Lease(timedelta(minutes=1), now=lambda: clock[0])
            with container.database.writing() as session:
                assert not other.take(session)

    with container.database.writing() as session:
        request_run(session, today, "test")
    run = begin(container.database, lease)
    assert run is not None
    slow = Slow(is_repeatable=True)
    judge = judge_for(container.settings, container.texts, today)
    dispatcher = Dispatcher(
        container.database,
        [slow],
        lease,
        PolicyAttempts(lambda _now: judge),
        keep_days=3,
        now=lambda: max(clock[0], AT_EIGHT),
    )
    decide_all(container.database, container.settings, judge, run.id, lease, lambda: False)

    assert dispatcher.run(lambda: False)
    assert len(slow.taken) == 5


def test_rehearsal_says_who_would_get_what_and_writes_nothing(
    scheme: Any, container: Container, runs: Any, today: Any
) -> None:
    notified = scheme.due(scheme.family(language="fr"), T.EXPIRATION)
    rejected = scheme.due(scheme.family(approval=False), T.EXPIRATION)

    verdicts = {one.candidate.policy: one for one in rehearse(container, today) if one.candidate}

    by_type = [one for one in rehearse(container, today) if one.candidate.type is T.EXPIRATION]
    assert {one.candidate.policy for one in by_type} == {notified, rejected}
    (message,) = [one for one in by_type if one.rejection is None]
    assert (message.language, message.candidate.recipient) == ("fr", "+255700000001")
    assert message.message is not None
    assert verdicts
    assert runs.attempts() == []
    assert all_runs(container) == []
