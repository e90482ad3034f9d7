"""Alerts, rules and checks over the API and in the console; reports; jobs under a lease."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import new_id_at
from common.jobs.leases import ClaimLost
from one_database import on_one_database
from proxy.alerts import evaluation, readings
from proxy.alerts.readings import Reading
from proxy.alerts.reports import queue_due_reports, report_end
from proxy.alerts.watch import JobClaim, Recurring, Watch, watch_of
from proxy.checks.probes import Finding, ask_all, failing, measured, queues, well
from proxy.checks.reading import NOBODY_LOOKS, checks, keep, troubles
from proxy.container import Container
from proxy.models import (
    About,
    Alert,
    AlertMessage,
    AlertRule,
    CheckState,
    ContactGroup,
    Measure,
    TransactionStatus,
    WatchJob,
)
from proxy.statistics.minute_rollups import roll_up_minutes
from raw_mediator import answer, raw_mediator
from sqlalchemy import select, update
from sqlalchemy.orm import Session

FAILED = TransactionStatus.FAILED


def looked(container: Container, *findings: Any) -> None:
    with container.database.writing() as session:
        keep(session, findings, utc_now())


def test_dashboard_says_what_is_not_well(
    container: Container, signed_in: Any, api: Any, record: Any, mediator: Any
) -> None:
    api.made("channels", **api.a_channel(mediator, name="Patients"))
    before = signed_in.get("/admin/").text
    looked(container, well(Measure.DATABASE, ""))
    healthy = signed_in.get("/admin/").text
    now = utc_now()
    for _ in range(3):
        record(correlation_id=new_id_at(now), started_at=now, status=FAILED)
    roll_up_minutes(container.database, now)
    looked(container, failing(Measure.PROCESS, "notification", "no answer within 2 s"))
    page, checks = signed_in.get("/admin/").text, api.get("checks/").get_json()

    assert NOBODY_LOOKS in before
    assert ">Healthy<" in healthy
    assert ">Not healthy<" in page
    assert "process notification</a>: no answer within 2 s" in page
    assert "3 of 3 calls failed" in page
    assert checks["ok"] is True  # the answer's own
    assert {one["measure"] for one in checks["data"]["troubles"]} == {"process", "failure_share"}


def test_a_rule_is_previewed_and_kept(
    container: Container, admin: Any, api: Any, record: Any
) -> None:
    now = utc_now()
    for _ in range(5):
        record(correlation_id=new_id_at(now), started_at=now, status=FAILED)
    roll_up_minutes(container.database, now)
    given = {"name": "r", "measure": "failure_share", "about": "channel", "threshold": 5}

    answer = api.post("alert-rules/preview/", given).get_json()["data"]
    page = admin.act("/admin/mediator/alert-rules/new/", **given, preview="1").text

    assert answer["open_for"] == ["Patients"]
    assert "Now it would raise 1: Patients" in page
    assert api.get("alert-rules/").get_json()["data"] == []
    assert api.post("alert-rules/", {**given, "threshold": 101}).status_code == 422
    assert api.post("alert-rules/", given).status_code == 201


@pytest.mark.parametrize(
    ("measure", "value", "state"),
    [
        (Measure.CERTIFICATE, 5.0, CheckState.FAILING),
        (Measure.CERTIFICATE, 90.0, CheckState.WELL),
        (Measure.DISK, 95.0, CheckState.FAILING),
        (Measure.QUEUE_AGE, 3.0, CheckState.WELL),
    ],
)
def test_limits(measure: Measure, value: float, state: CheckState) -> None:
    assert measured(measure, "x", value, "").state is state


def test_reports_are_queued_once_a_span(container: Container, add_rule: Any, record: Any) -> None:
    add_rule()
    now = datetime(2026, 5, 5, 8, tzinfo=UTC)  # a Tuesday
    yesterday = now - timedelta(days=1)
    with container.database.writing() as session:
        session.execute(
            update(ContactGroup).values(reports=["daily"], created_at=now - timedelta(days=9))
        )
    record(correlation_id=new_id_at(yesterday), started_at=yesterday, status=FAILED)

    for _ in range(2):
        with container.database.writing() as session:
            queue_due_reports(session, now, "en")
    with container.database.reading() as session:
        messages = session.scalars(select(AlertMessage)).all()

    assert [one.kind for one in messages] == ["email"]
    assert "Patients: 1 call, 1 failed (100.0 %)" in messages[0].text
    assert report_end("weekly", now) == datetime(2026, 5, 4, tzinfo=UTC)


def test_a_job_is_done_by_one_worker_at_a_time(container: Container) -> None:
    done: list[JobClaim] = []
    watch = Watch(container.database, {"one": Recurring(timedelta(hours=1), done.append)})
    watch.prepare()

    assert (watch.do_due(), watch.do_due()) == (1, 0)
    with container.database.writing() as session:
        session.execute(update(WatchJob).values(lease_token=None))
    with container.database.writing() as session, pytest.raises(ClaimLost):
        done[0].confirm(session)


def test_what_takes_long_is_due_later() -> None:
    minutes = Recurring(timedelta(seconds=4), print, rests=True)
    checks = Recurring(timedelta(seconds=3), print)
    took = timedelta(milliseconds=10), timedelta(seconds=1), timedelta(seconds=9)

    assert [minutes.pause(one).total_seconds() for one in took] == [4, 20, 60]
    assert [checks.pause(one).total_seconds() for one in took] == [3, 3, 3]


@on_one_database()
def test_rule_with_a_bug_is_a_trouble_and_an_alert_until_it_is_evaluated_again(
    container: Container, add_rule: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, _ = add_rule(name="Odd"), add_rule(Measure.PROCESS, about=About.WHOLE)
    read, watch = readings.read, watch_of(container)
    watch.prepare()

    def with_a_bug(session: Session, rule: AlertRule, now: datetime) -> list[Reading] | None:
        return read(session, rule, now) if rule.id != odd.id else read(session, None, now)  # type: ignore[arg-type]

    def rounds(count: int) -> tuple[list[str], list[str]]:
        """Troubles of jobs, and alerts that stand, after so many rounds."""
        for _ in range(count):
            with container.database.writing() as session:
                session.execute(update(WatchJob).values(next_attempt_at=utc_now()))
            assert watch.do_due() == 4
        with container.database.reading() as session:
            found = troubles(session, checks(session), utc_now())
            said = [f"{one.subject} {one.detail}" for one in found if "worker:" in one.subject]
            alerts = session.scalars(select(Alert.subject).where(Alert.ended_at.is_(None)))
            return said, [one for one in alerts if "worker:" in one]

    monkeypatch.setattr(evaluation, "read", with_a_bug)
    broken = rounds(2)
    monkeypatch.undo()

    assert broken == (
        ["proxy-worker: alerts failed for Odd (AttributeError)"],
        ["proxy-worker: alerts"],
    )
    assert rounds(2) == ([], [])


def test_check_with_a_bug_is_a_failing_part_and_the_others_are_asked() -> None:
    def with_a_bug() -> list[Finding]:
        raise TypeError("a bug")

    probes = {
        (Measure.DISK, "odd"): with_a_bug,
        (Measure.BROKER, ""): lambda: [well(Measure.BROKER, "")],
    }
    with ThreadPoolExecutor() as executor:
        odd, broker = ask_all(executor, probes)
    assert (odd.subject, odd.state, odd.detail) == (
        "odd",
        CheckState.FAILING,
        "cannot be asked (TypeError)",
    )
    assert broker.state is CheckState.WELL


def test_queues_and_unknown_outcomes_are_read_from_one_page_that_shows_no_message() -> None:
    page = (
        'kiungo_backlog_oldest_seconds{queue="outbox"} 130.0\n'
        "kiungo_notification_unknown_messages 2.0\nkiungo_other 1.0\n"
    )
    with raw_mediator() as service:
        service.on("/metrics", answer(page.encode()))
        found = {(one.measure, one.subject): one for one in queues("notification", service.url)}
        asked = [one.target for one in service.received]

    assert asked == ["/metrics"]
    waits = found[Measure.QUEUE_AGE, "notification outbox"]
    assert (waits.state, waits.detail) == (CheckState.FAILING, "the oldest waits for 130 s")
    unknown = found[Measure.OUTBOX_UNKNOWN, "notification"]
    assert (unknown.state, unknown.value) == (CheckState.FAILING, 2.0)
    assert len(found) == 2
