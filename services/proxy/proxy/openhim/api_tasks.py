"""`/api/openhim/tasks`: rerun tasks in OpenHIM's words."""

import uuid
from typing import Any

from common.clock import rfc3339
from common.errors import NotFound
from flask import jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.container import container
from proxy.models import RerunTask, TaskStatus, Transaction
from proxy.openhim.api import api
from proxy.openhim.callers import ADMIN, READ, NotUnderstood, caller
from proxy.openhim.requests import document, id_of, id_range
from proxy.record.rerun_tasks import MOST_BATCH_SIZE, MOST_IDS, Order, create_task

RERUN = "proxy:transactions:rerun"
MOST_TASKS = 100
STATUSES_THERE = {
    TaskStatus.RUNNING: "Processing",
    TaskStatus.PAUSED: "Paused",
    TaskStatus.CANCELLED: "Cancelled",
    TaskStatus.COMPLETED: "Completed",
}


@api.get("/tasks")
def list_tasks() -> ResponseReturnValue:
    """The newest tasks."""
    caller().need(READ, RERUN, ADMIN)
    wanted = select(RerunTask).order_by(RerunTask.id.desc()).limit(MOST_TASKS)
    with container().database.reading() as session:
        return jsonify([_document(one) for one in session.scalars(wanted)])


@api.post("/tasks")
def create_rerun_task() -> ResponseReturnValue:
    """Make calls again that are named; those that were made again already are left out."""
    asks = caller()
    asks.need(RERUN, ADMIN)
    given = document()
    size, named = given.get("batchSize", 1), given.get("tids")
    if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= MOST_BATCH_SIZE:
        raise NotUnderstood("Invalid batch size specified")
    if not isinstance(named, list) or not 0 < len(named) <= MOST_IDS:
        raise NotUnderstood(f"tids: 1 to {MOST_IDS} ids of transactions are needed")
    with container().database.writing() as session:
        ids = list(dict.fromkeys(_id(session, one) for one in named))
        is_paused = given.get("paused") is True
        order = Order(ids=ids, batch_size=size, is_paused=is_paused)
        create_task(session, order, asks.client_id)
    container().wake_up.send()
    return "", 201


def _id(session: Session, named: Any) -> uuid.UUID:
    """The call that begins with these digits. Raises NotFound."""
    lowest, highest = id_range(str(named))
    key = Transaction.correlation_id
    found = session.scalar(select(key).where(key.between(lowest, highest)).limit(1))
    if found is None:
        raise NotFound(f"No such transaction: {named}")
    return found


def _document(task: RerunTask) -> dict[str, Any]:
    return {
        "_id": id_of(task.id),
        "status": STATUSES_THERE[task.status],
        "batchSize": task.batch_size,
        "totalTransactions": task.total,
        "remainingTransactions": task.waiting + task.in_hand,
        "user": task.made_by,
        "created": rfc3339(task.created_at),
        "completedDate": rfc3339(task.finished_at) if task.finished_at else None,
    }
