"""Rerun tasks over the API; the worker's batches are run by hand, on both databases."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import lowest_id_at, new_id
from common.jobs.leases import ClaimLost, claim_due
from proxy.container import Container
from proxy.gateway.load_table import load_table
from proxy.models import (
    AsyncCall,
    RerunState,
    RerunTask,
    RerunTaskCall,
    TaskStatus,
    Transaction,
    TransactionStatus,
)
from proxy.record import task_batches
from proxy.record.task_batches import TaskClaim, next_batch
from proxy.retention import keep_bounded
from sqlalchemy import func, select, update

Record = Callable[..., str]
#: Longer ago than calls are kept.
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
FAILED = {"filter": {"status": "failed"}}


@pytest.fixture
def failed(record: Record, channel: dict[str, Any]) -> list[str]:
    """Five failed calls; one that was successful is beside them."""
    record(9)
    return [record(minute, status=TransactionStatus.FAILED) for minute in range(5)]


class Worker:
    """A worker with one task in hand."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self.claims: list[TaskClaim] = []

    def claim(self) -> TaskClaim:
        """Take the task that is due, as if every lease had ended."""
        with self._container.database.writing() as session:
            session.execute(update(RerunTask).values(lease_until=None))
            [task] = claim_due(
                session,
                RerunTask,
                RerunTask.is_at_work,
                order_by=[RerunTask.next_attempt_at],
                limit=1,
                now=utc_now(),
                lease=timedelta(minutes=1),
            )
            assert task.lease_token is not None
            self.claims.append(TaskClaim(task.id, task.lease_token))
        return self.claims[-1]

    def batch(self, claim: TaskClaim | None = None) -> task_batches.Batch:
        with self._container.database.reading() as session:
            table = load_table(session, 0, 30.0)
        claim = claim or (self.claims or [self.claim()])[-1]
        return next_batch(self._container.database, self._container.sealer, table, claim)

    def until_nothing_changes(self) -> None:
        self.claim()
        while True:
            batch = self.batch()
            if batch.is_over or not batch.has_changed:
                return

    def end_calls(self, status: TransactionStatus, error: str | None = None) -> None:
        """Every call in hand ends so."""
        with self._container.database.writing() as session:
            session.execute(
                update(Transaction)
                .where(Transaction.status == TransactionStatus.PENDING)
                .values(status=status, error_message=error)
            )


@pytest.fixture
def worker(container: Container) -> Worker:
    return Worker(container)


def made(api: Any, **order: Any) -> str:
    answer = api.post("tasks/", order)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/api/proxy/tasks/{answer.json['id']}/"
    return str(answer.json["id"])


def counts(api: Any, task_id: str) -> dict[str, int]:
    task = api.get(f"tasks/{task_id}/").json
    names = ("waiting", "in_hand", "done", "failed", "unknown", "left_out")
    assert task["total"] == sum(task[name] for name in names)
    return {name: task[name] for name in names if task[name]}


def status(api: Any, task_id: str) -> str:
    return str(api.get(f"tasks/{task_id}/").json["status"])


def parents(container: Container) -> list[str]:
    with container.database.reading() as session:
        query = select(Transaction.parent_id).where(Transaction.parent_id.is_not(None))
        return sorted(map(str, session.scalars(query)))


def test_filters_calls_are_made_again_as_many_at_a_time_as_the_batch_has(
    api: Any, container: Container, failed: list[str], worker: Worker
) -> None:
    task = made(api, **FAILED, batch_size=2)

    worker.until_nothing_changes()
    assert counts(api, task) == {"waiting": 3, "in_hand": 2}
    assert parents(container) == failed[:2]  # the oldest come first
    worker.end_calls(TransactionStatus.SUCCESSFUL)
    worker.until_nothing_changes()
    worker.end_calls(TransactionStatus.FAILED, "The mediator answered 500")
    worker.until_nothing_changes()
    worker.end_calls(TransactionStatus.FAILED, "interrupted, outcome unknown")
    worker.until_nothing_changes()

    assert counts(api, task) == {"done": 2, "failed": 2, "unknown": 1}
    assert parents(container) == failed
    whole = api.get(f"tasks/{task}/").json
    assert (whole["status"], whole["made_by"]) == ("completed", "tester")
    assert whole["filter"] == {"status": "failed"}
    assert whole["finished_at"] is not None


def test_task_over_the_same_calls_leaves_out_what_was_repeated_and_every_repetition(
    api: Any, container: Container, failed: list[str], worker: Worker
) -> None:
    made(api, **FAILED)
    worker.until_nothing_changes()
    worker.end_calls(TransactionStatus.FAILED)
    worker.until_nothing_changes()

    second = made(api, **FAILED)
    worker.until_nothing_changes()
    assert counts(api, second) == {"left_out": 5}
    calls = api.get(f"tasks/{second}/calls/", state="left_out").json["data"]
    assert [one["correlation_id"] for one in calls] == failed[::-1]
    assert {one["reason"] for one in calls} == {"It was made again already"}

    third = made(api, **FAILED, include_repeated=True)
    worker.until_nothing_changes()
    assert counts(api, third) == {"in_hand": 5}
    assert parents(container) == sorted([*failed, *failed])


def test_tasks_over_the_same_calls_at_once_make_each_once(
    api: Any, container: Container, failed: list[str], worker: Worker
) -> None:
    first, second = made(api, **FAILED, batch_size=2), made(api, ids=failed)
    for _ in range(2):
        worker.until_nothing_changes()
        with container.database.writing() as session:
            session.execute(
                update(RerunTask)
                .where(RerunTask.id == worker.claims[-1].task_id)
                .values(next_attempt_at=utc_now() + timedelta(hours=1))
            )

    assert parents(container) == failed
    assert counts(api, first) == {"waiting": 3, "in_hand": 2}
    assert counts(api, second) == {"in_hand": 3, "left_out": 2}


def test_named_calls_that_cannot_be_repeated_are_left_out_with_the_reason(
    api: Any, record: Record, failed: list[str], worker: Worker
) -> None:
    first = made(api, ids=failed[:1])
    worker.until_nothing_changes()
    repetition = api.get(f"tasks/{first}/calls/").json["data"][0]["repeat_id"]
    worker.end_calls(TransactionStatus.SUCCESSFUL)
    worker.until_nothing_changes()
    short = record(20, status=TransactionStatus.FAILED, request_body_whole=False)
    nobody = str(new_id())

    task = made(api, ids=[repetition, short, nobody, failed[0], failed[1]])
    worker.until_nothing_changes()

    assert counts(api, task) == {"in_hand": 1, "left_out": 4}
    calls = api.get(f"tasks/{task}/calls/").json["data"]
    reasons = {one["correlation_id"]: one["reason"] for one in calls}
    assert reasons[repetition] == "It makes another call again itself"
    assert "keep_whole_bodies" in reasons[short]
    assert reasons[nobody] == "No such transaction"
    assert reasons[failed[0]] == "It was made again already"


def test_paused_task_makes_nothing_and_goes_on_when_it_is_resumed(
    api: Any, container: Container, failed: list[str], worker: Worker
) -> None:
    task = made(api, **FAILED, batch_size=1)
    worker.until_nothing_changes()
    api.post(f"tasks/{task}/pause/")
    worker.end_calls(TransactionStatus.SUCCESSFUL)
    worker.until_nothing_changes()

    assert counts(api, task) == {"waiting": 4, "done": 1}
    assert status(api, task) == "paused"
    assert_nobody_has_it(container)
    api.post(f"tasks/{task}/resume/")
    worker.until_nothing_changes()
    assert counts(api, task) == {"waiting": 3, "in_hand": 1, "done": 1}


def test_task_may_be_made_paused(api: Any, container: Container, failed: list[str]) -> None:
    task = made(api, **FAILED, is_paused=True)

    assert status(api, task) == "paused"
    assert_nobody_has_it(container)


def assert_nobody_has_it(container: Container) -> None:
    with container.database.reading() as session:
        task = session.scalars(select(RerunTask)).one()
        assert (task.is_at_work, task.lease_token) == (False, None)


def test_cancelled_task_makes_nothing_more_for_good(
    api: Any, container: Container, failed: list[str], worker: Worker
) -> None:
    task = made(api, **FAILED, batch_size=2)
    worker.until_nothing_changes()
    assert api.post(f"tasks/{task}/cancel/").json["status"] == "cancelled"
    worker.end_calls(TransactionStatus.SUCCESSFUL)
    worker.until_nothing_changes()

    assert counts(api, task) == {"waiting": 3, "done": 2}
    assert api.get(f"tasks/{task}/").json["finished_at"] is not None
    assert_nobody_has_it(container)
    assert api.post(f"tasks/{task}/resume/").status_code == 409
    assert api.post(f"tasks/{task}/pause/").status_code == 409


def test_worker_that_lost_its_claim_changes_nothing(
    api: Any, container: Container, failed: list[str], worker: Worker
) -> None:
    made(api, **FAILED)
    lost = worker.claim()
    worker.claim()

    with pytest.raises(ClaimLost):
        worker.batch(lost)
    assert parents(container) == []


def test_batch_that_does_not_commit_leaves_its_calls_waiting(
    api: Any,
    container: Container,
    failed: list[str],
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = made(api, ids=failed)
    with monkeypatch.context() as patch:
        patch.setattr(task_batches, "_is_over", lambda _task: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            worker.batch()
    assert (parents(container), counts(api, task)) == ([], {"waiting": 5})
    worker.until_nothing_changes()
    assert parents(container) == failed
    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(AsyncCall)) == 5


def test_many_calls_of_a_filter_are_taken_in_piece_by_piece(
    api: Any, failed: list[str], worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_batches, "FOUND_AT_ONCE", 2)
    task = made(api, **FAILED)

    batch = worker.batch()
    assert (batch.made, batch.has_changed, counts(api, task)) == (0, True, {"waiting": 2})
    worker.until_nothing_changes()
    assert counts(api, task) == {"in_hand": 5}


def test_every_word_of_the_lists_filter_is_one_of_a_task(
    api: Any, record: Record, channel: dict[str, Any], worker: Worker
) -> None:
    wanted = record(1, status=TransactionStatus.FAILED, request_method="PUT")
    given = {
        "status": "failed",
        "channel": "Patients",
        "client": "clinic",
        "method": "put",
        "path": "/patients/",
        "response_status": "2xx",
        "since": "2026-05-01T12:00:00Z",
        "until": "2026-05-01T12:30:00Z",
        "q": "17",
    }
    task = made(api, filter=given)
    worker.until_nothing_changes()
    worker.end_calls(TransactionStatus.SUCCESSFUL)
    worker.until_nothing_changes()
    none = made(api, filter={**given, "properties": {"kind": "lab"}}, include_repeated=True)
    worker.until_nothing_changes()

    calls = api.get(f"tasks/{task}/calls/").json["data"]
    assert [one["correlation_id"] for one in calls] == [wanted]
    assert (status(api, none), counts(api, none)) == ("completed", {})


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"filter": {}},
        {"ids": []},
        {"filter": {"status": "failed"}, "ids": ["0190a000-0000-7000-8000-000000000000"]},
        {"filter": {"colour": "red"}},
        {**FAILED, "batch_size": 0},
        {**FAILED, "batch_size": 501},
        {"ids": ["17"]},
    ],
)
def test_order_that_says_nothing_or_too_much_is_refused(api: Any, order: dict[str, Any]) -> None:
    assert api.post("tasks/", order).status_code == 422


def test_who_may_only_read_makes_no_task(api_with: Any, failed: list[str]) -> None:
    reader = api_with("proxy:read")

    assert reader.post("tasks/", FAILED).status_code == 403
    assert reader.get("tasks/").json["data"] == []
    assert reader.get(f"tasks/{uuid.UUID(int=7)}/").status_code == 404


def test_old_task_is_removed_with_its_calls_once_no_worker_has_to_do_with_it(
    container: Container,
) -> None:
    ids = {at_work: lowest_id_at(NOON + timedelta(days=at_work)) for at_work in (False, True)}
    with container.database.writing() as session:
        for at_work, task_id in ids.items():
            counts = dict.fromkeys(("waiting", "in_hand", "done", "failed", "unknown"), 0)
            session.add(
                RerunTask(
                    id=task_id,
                    made_by="amina",
                    status=TaskStatus.COMPLETED,
                    batch_size=1,
                    is_at_work=at_work,
                    next_attempt_at=NOON,
                    left_out=1,
                    **counts,
                )
            )
            session.flush()
            state = RerunState.LEFT_OUT
            session.add(RerunTaskCall(task_id=task_id, correlation_id=new_id(), state=state))

    assert keep_bounded(container.database, container.settings)["rerun_tasks"] == 1

    with container.database.reading() as session:
        assert session.scalars(select(RerunTask.id)).all() == [ids[True]]
        assert session.scalars(select(RerunTaskCall.task_id)).all() == [ids[True]]
