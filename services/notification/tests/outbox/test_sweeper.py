"""What a killed worker left: begun messages are UNKNOWN, the others wait again."""

import uuid
from datetime import timedelta
from typing import Any

from common.clock import utc_now
from notification.models import AttemptStatus, DeliveryLog, MessageStatus
from notification.sweeper import INTERRUPTED, settle_abandoned


def _claimed(store: Any, *, begun: bool, lease_s: float) -> Any:
    """A message in the hands of a worker whose lease lasts `lease_s` from now."""
    [id_] = store.queue(
        status=MessageStatus.SENDING,
        attempt_count=2,
        lease_token=uuid.uuid4(),
        lease_until=utc_now() + timedelta(seconds=lease_s),
    )
    log = [(1, AttemptStatus.FAILED_TEMPORARY)] + ([(2, AttemptStatus.STARTED)] if begun else [])
    with store.database.writing() as session:
        for number, status in log:
            session.add(DeliveryLog(outbox_id=id_, attempt_no=number, status=status))
    return id_


def test_outcome_of_begun_message_is_unknown_with_its_reason(container: Any, store: Any) -> None:
    id_ = _claimed(store, begun=True, lease_s=-1)
    assert settle_abandoned(container.database) == 1
    row = store.one(id_)
    assert (row.status, row.last_error, row.attempt_count) == ("UNKNOWN", INTERRUPTED, 2)
    assert (row.is_final, row.lease_token) == (False, None)
    last = store.log(id_)[-1]
    assert (last.status, last.error_message) == ("unknown", INTERRUPTED)
    assert last.ended_at


def test_message_that_was_not_begun_waits_again_and_no_attempt_counts(
    container: Any, store: Any
) -> None:
    id_ = _claimed(store, begun=False, lease_s=-1)
    settle_abandoned(container.database)
    row = store.one(id_)
    assert (row.status, row.attempt_count, row.lease_token) == ("QUEUED", 1, None)


def test_lease_that_stands_is_left_alone(container: Any, store: Any) -> None:
    id_ = _claimed(store, begun=True, lease_s=60)
    assert settle_abandoned(container.database) == 0
    assert store.one(id_).status == "SENDING"


def test_two_sweepers_settle_each_message_once(container: Any, store: Any, in_threads: Any) -> None:
    ids = [_claimed(store, begun=False, lease_s=-1) for _ in range(20)]
    counts: list[int] = []
    in_threads(*[lambda: counts.append(settle_abandoned(container.database))] * 2)
    assert sum(counts) == 20
    assert {store.one(id_).attempt_count for id_ in ids} == {1}
