"""Messages are handed over once, wait while nobody takes them, and fail only for good."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from common.clock import utc_now
from common.http.outcomes import NotSent
from proxy.alerts.delivery import deliver_due, judged
from proxy.alerts.messages import queue
from proxy.alerts.words import Words
from proxy.container import Container
from proxy.models import AlertMessage, MessageState
from sqlalchemy import select, update

TAKEN = (201, {"queued_count": 1, "skipped": []})
UNKNOWN_EVENT = (404, {"detail": "There is no such event"})


@dataclass
class Service:
    """Answers in turn; an exception is raised."""

    answers: list[Any]
    described: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def post(self, _path: str, given: Any) -> Any:
        self.keys.append(given["idempotency_key"])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def describe(self, kind: str) -> None:
        self.described.append(kind)


def message(container: Container) -> AlertMessage:
    with container.database.reading() as session:
        return session.scalars(select(AlertMessage)).one()


@pytest.fixture
def queued(container: Container, add_rule: Any) -> AlertMessage:
    rule = add_rule()
    with container.database.writing() as session:
        words = Words("short", "long")
        queue(session, None, [rule.group_id], lambda: words, utc_now(), "en", ["sms"])
    return message(container)


def test_message_waits_while_the_service_is_away_and_keeps_its_key(
    container: Container, queued: AlertMessage
) -> None:
    service: Any = Service([NotSent("away"), UNKNOWN_EVENT, TAKEN])

    deliver_due(container.database, service)
    waiting = message(container)
    with container.database.writing() as session:
        session.execute(update(AlertMessage).values(next_attempt_at=utc_now()))
    deliver_due(container.database, service)
    after = deliver_due(container.database, service)

    assert (waiting.state, waiting.outcome) == (MessageState.QUEUED, "away")
    assert message(container).state is MessageState.SENT
    assert service.described == ["sms"]
    assert set(service.keys) == {str(queued.id)}
    assert after == 0


@pytest.mark.parametrize(
    ("status", "answer", "state"),
    [
        (*TAKEN, MessageState.SENT),
        (201, {"skipped": [{"reason": "Duplicate idempotency key (x)"}]}, MessageState.SENT),
        (201, {"skipped": [{"reason": "No webhook in use"}]}, MessageState.FAILED),
        (400, {}, MessageState.FAILED),
        (503, {}, MessageState.QUEUED),
        (200, "not an object", MessageState.QUEUED),
    ],
)
def test_what_an_answer_means(status: int, answer: Any, state: MessageState) -> None:
    assert judged(status, answer)[0] is state
