"""Rows as work: nobody gets what another holds, and a dead holder's work comes free."""

import threading
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from common.db.database import TYPES, Database, new_metadata
from common.jobs.backlog import Backlog, BacklogMetrics, Queue, backlog_of
from common.jobs.leases import Leased, claim_due, held, is_any_due, renew
from sqlalchemy import delete, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)


class Base(DeclarativeBase):
    metadata = new_metadata()
    type_annotation_map = TYPES


class Job(Leased, Base):
    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(default="")


@pytest.fixture
def jobs(database: Database) -> Database:
    Base.metadata.create_all(database.engine)
    return database


def put(jobs: Database, count: int = 1, **known: object) -> None:
    with jobs.writing() as session:
        session.add_all(
            Job(**{"id": at, "next_attempt_at": NOW, **known}) for at in range(1, count + 1)
        )


def claim(
    jobs: Database, limit: int = 10, now: datetime = NOW
) -> tuple[list[int], uuid.UUID | None]:
    """The ids that were claimed, and their token."""
    with jobs.writing() as session:
        rows = claim_due(session, Job, order_by=[Job.id], limit=limit, now=now, lease=LEASE)
        return [row.id for row in rows], rows[0].lease_token if rows else None


@pytest.mark.parametrize(
    ("known", "is_claimed"),
    [
        ({}, True),
        ({"next_attempt_at": NOW + timedelta(microseconds=1)}, False),
        ({"lease_until": NOW + timedelta(seconds=1)}, False),
        ({"lease_until": NOW}, False),
        ({"lease_until": NOW - timedelta(microseconds=1)}, True),
    ],
)
def test_row_is_claimed_when_it_is_due_and_free(
    jobs: Database, known: dict[str, datetime], is_claimed: bool
) -> None:
    put(jobs, **known)
    assert is_any_due(jobs, Job, now=NOW) is is_claimed
    assert claim(jobs)[0] == ([1] if is_claimed else [])


def test_claim_takes_the_first_in_order_up_to_its_limit(jobs: Database) -> None:
    put(jobs, 5)
    assert claim(jobs, limit=3)[0] == [1, 2, 3]
    assert claim(jobs, limit=3)[0] == [4, 5]


def test_claim_meets_the_criteria(jobs: Database) -> None:
    put(jobs, kind="mail")
    with jobs.writing() as session:
        found = claim_due(
            session, Job, Job.kind == "sms", order_by=[Job.id], limit=1, now=NOW, lease=LEASE
        )
        assert found == []
    assert not is_any_due(jobs, Job, Job.kind == "sms", now=NOW)


def test_looking_waits_for_no_writer(jobs: Database) -> None:
    put(jobs)
    with jobs.writing() as session:
        session.execute(update(Job).values(kind="mail"))
        assert is_any_due(jobs, Job, now=NOW)


def test_claim_is_counted_and_dated(jobs: Database) -> None:
    put(jobs)
    token = claim(jobs)[1]
    with jobs.reading() as session:
        job = session.get_one(Job, 1)
    assert (job.attempt_count, job.lease_until, job.lease_token) == (1, NOW + LEASE, token)


def test_two_claimers_never_get_the_same_row(jobs: Database) -> None:
    put(jobs, 120)
    taken: list[int] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        while ids := claim(jobs, limit=7)[0]:
            taken.extend(ids)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(taken) == Counter(range(1, 121))


@pytest.mark.parametrize("environment", ["postgres"], indirect=True)
def test_claim_does_not_wait_for_one_that_is_not_committed(jobs: Database) -> None:
    put(jobs, 2)
    with jobs.writing() as session:
        claim_due(session, Job, order_by=[Job.id], limit=1, now=NOW, lease=LEASE)
        assert claim(jobs)[0] == [2]


def test_lease_that_ended_is_taken_again(jobs: Database) -> None:
    put(jobs)
    first = claim(jobs)[1]
    later = NOW + LEASE + timedelta(seconds=1)
    ids, second = claim(jobs, now=later)
    assert ids == [1]
    assert second != first


def test_stale_token_finishes_nothing(jobs: Database) -> None:
    put(jobs)
    stale = claim(jobs)[1]
    fresh = claim(jobs, now=NOW + 2 * LEASE)[1]
    assert stale is not None
    assert fresh is not None

    with jobs.writing() as session:
        gone = session.execute(delete(Job).where(Job.id == 1, held(Job, stale)))
        assert gone.rowcount == 0  # type: ignore[attr-defined]
        changed = session.execute(
            update(Job).where(Job.id == 1, held(Job, stale)).values(kind="done")
        )
        assert changed.rowcount == 0  # type: ignore[attr-defined]
        gone = session.execute(delete(Job).where(Job.id == 1, held(Job, fresh)))
        assert gone.rowcount == 1  # type: ignore[attr-defined]


def test_renewed_lease_holds_every_row_of_its_token(jobs: Database) -> None:
    put(jobs, 2)
    token = claim(jobs)[1]
    assert token is not None
    later = NOW + 2 * LEASE

    with jobs.writing() as session:
        renew(session, Job, token, later + LEASE)

    assert claim(jobs, now=later)[0] == []


def test_stale_token_renews_nothing(jobs: Database) -> None:
    put(jobs)
    stale = claim(jobs)[1]
    assert stale is not None
    claim(jobs, now=NOW + 2 * LEASE)
    with jobs.writing() as session:
        renew(session, Job, stale, NOW + 100 * LEASE)
    assert claim(jobs, now=NOW + 4 * LEASE)[0] == [1]


# --- what waits


def test_backlog_is_what_is_due_and_in_nobodys_hands(jobs: Database) -> None:
    put(jobs, 3, kind="a")
    claim(jobs, limit=1)
    later = NOW + timedelta(seconds=10)
    with jobs.reading() as session:
        assert backlog_of(session, Queue(Job), NOW - LEASE) == Backlog(0, 0.0)
        assert backlog_of(session, Queue(Job), later) == Backlog(2, 10.0)
        assert backlog_of(session, Queue(Job, (Job.kind == "b",)), later) == Backlog(0, 0.0)
        assert backlog_of(session, Queue(Job), NOW + 2 * LEASE) == Backlog(3, 60.0)


def test_backlog_is_measured_for_each_queue(jobs: Database) -> None:
    put(jobs, 2)
    jobs_waiting, oldest_s = BacklogMetrics(jobs, {"jobs": Queue(Job)}).collect()
    assert [(one.labels, one.value) for one in jobs_waiting.samples] == [({"queue": "jobs"}, 2)]
    assert oldest_s.samples[0].value > 0
