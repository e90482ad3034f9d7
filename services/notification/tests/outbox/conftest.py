"""An outbox with messages in it, and transports of the tests' own."""

import itertools
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from notification.container import Container
from notification.models import ChannelCode, DeliveryLog, MessageStatus, OutboxMessage
from notification.outbox.engine import Outbox
from notification.transports import Message, Outcome, Result
from notification.transports.gate import Gate
from sqlalchemy import select

LEASE_S = 30.0


class RecordedTransport:
    """A transport that keeps what it was given and answers as the test says."""

    def __init__(self, channel: ChannelCode, slice_size: int = 10) -> None:
        self.channel = channel
        self.slice_size = slice_size
        self.gates: list[Gate] = []
        self.slices: list[list[Message]] = []
        self.open_batches = 0
        self.answer: Callable[[Message], Result] = lambda _message: self.taken()
        self.before_answering: Callable[[], None] = lambda: None
        self.known: dict[str, Result] = {}
        self.asked: list[str] = []

    @property
    def sent(self) -> list[str]:
        """The references of all messages that arrived here."""
        return [message.reference for message in itertools.chain(*self.slices)]

    @staticmethod
    def taken(message_id: str | None = None) -> Result:
        return Result(outcome=Outcome.SENT, provider="test", provider_message_id=message_id)

    @staticmethod
    def refused(outcome: Outcome, **more: Any) -> Result:
        return Result(outcome=outcome, provider="test", error="refused", **more)

    @contextmanager
    def batch(self) -> Iterator["RecordedTransport"]:
        self.open_batches += 1
        yield self
        self.open_batches -= 1

    def send(self, messages: Sequence[Message]) -> list[Result]:
        self.slices.append(list(messages))
        self.before_answering()
        return [self.answer(message) for message in messages]

    def close(self) -> None:
        pass

    def ask(self, message: Message, provider: str | None) -> Result | None:
        self.asked.append(message.reference)
        return self.known.get(message.reference)


@pytest.fixture
def sms() -> RecordedTransport:
    return RecordedTransport(ChannelCode.SMS)


@pytest.fixture
def outbox(container: Container, sms: RecordedTransport) -> Outbox:
    return Outbox(container.database, {ChannelCode.SMS: sms}, LEASE_S)


class Store:
    """The outbox table, as a test fills and reads it."""

    def __init__(self, container: Container) -> None:
        self.database = container.database

    def queue(self, count: int = 1, /, **values: Any) -> list[uuid.UUID]:
        """Queue messages that are due; returns their ids in the order of their times."""
        start = utc_now() - timedelta(seconds=60)
        rows = [
            message(next_attempt_at=start + timedelta(milliseconds=number), **values)
            if "next_attempt_at" not in values
            else message(**values)
            for number in range(count)
        ]
        with self.database.writing() as session:
            session.add_all(rows)
        return [row.id for row in rows]

    def one(self, id_: uuid.UUID) -> OutboxMessage:
        with self.database.reading() as session:
            return session.get_one(OutboxMessage, id_)

    def all(self) -> list[OutboxMessage]:
        with self.database.reading() as session:
            return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))

    def log(self, id_: uuid.UUID) -> list[DeliveryLog]:
        with self.database.reading() as session:
            entries = select(DeliveryLog).where(DeliveryLog.outbox_id == id_)
            return list(session.scalars(entries.order_by(DeliveryLog.attempt_no)))

    def change(self, id_: uuid.UUID, **values: Any) -> None:
        with self.database.writing() as session:
            row = session.get_one(OutboxMessage, id_)
            for name, value in values.items():
                setattr(row, name, value)


@pytest.fixture
def store(container: Container) -> Store:
    return Store(container)


def message(**values: Any) -> OutboxMessage:
    """A message that waits."""
    given: dict[str, Any] = {
        "event_code": "PAYMENT_CONFIRMED",
        "rule_id": uuid.uuid4(),
        "channel": ChannelCode.SMS,
        "priority": "NORMAL",
        "rank": -50,
        "status": MessageStatus.QUEUED,
        "recipient_user_id": "u1",
        "recipient_actor_type": "TEACHER",
        "language": "en",
        "template_id": uuid.uuid4(),
        "template_version": 1,
        "subject": "Payment",
        "body": "Your payment arrived.",
        "to_phone": "+255712345678",
        "to_email": "asha@example.test",
        "idempotency_key": uuid.uuid4().hex,
        "next_attempt_at": utc_now(),
    }
    return OutboxMessage(**given | values)


@pytest.fixture
def in_threads() -> Callable[..., None]:
    """Run functions at once, each in a thread; their errors are the test's."""

    def run(*acts: Callable[[], object]) -> None:
        errors: list[BaseException] = []

        def guarded(act: Callable[[], object]) -> None:
            try:
                act()
            except BaseException as exc:  # noqa: BLE001 - raised below
                errors.append(exc)

        threads = [threading.Thread(target=guarded, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    return run
