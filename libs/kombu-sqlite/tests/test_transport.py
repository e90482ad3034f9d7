"""The transport: what it promises to publishers and consumers, alive and killed."""

# mypy: allow-untyped-calls

import logging
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import kombu_sqlite
import pytest
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.exceptions import ChannelError, OperationalError
from kombu.message import Message
from kombu.messaging import Consumer
from kombu_sqlite import LOG_FIELDS
from kombu_sqlite.store import Sealing
from kombu_sqlite.transport import SqliteTransport, register

WORKER = Path(__file__).with_name("broker_process.py")
LIBRARY = Path(kombu_sqlite.__file__).parents[1]

Connect = Callable[..., Connection]


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "broker.sqlite3"


@pytest.fixture
def connect(path: Path) -> Iterator[Connect]:
    with ExitStack() as opened:

        def new(**options: Any) -> Connection:
            connection = Connection(
                transport=SqliteTransport, transport_options={"path": str(path), **options}
            )
            opened.enter_context(connection)
            return connection

        yield new


def publish(connection: Connection, *bodies: str, to: str = "work", **options: Any) -> None:
    with connection.Producer() as producer:
        for body in bodies:
            producer.publish(body, routing_key=to, **options)


def take(connection: Connection, queue: str = "work", **options: Any) -> Message | None:
    message: Message | None = connection.default_channel.basic_get(queue, **options)
    return message


def taken(connection: Connection, queue: str = "work", **options: Any) -> Message:
    message = take(connection, queue, **options)
    assert message is not None
    return message


def waiting(connection: Connection, queue: str = "work") -> int:
    declared = Queue(queue)(connection.default_channel).queue_declare(passive=True)
    return int(declared.message_count)


def rows(path: Path) -> int:
    db = sqlite3.connect(path)
    try:
        return int(db.execute("SELECT count(*) FROM messages").fetchone()[0])
    finally:
        db.close()


@contextmanager
def worker(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(WORKER), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
    )
    try:
        with process:
            yield process
            process.kill()
    finally:
        process.kill()


def said(process: subprocess.Popen[str], word: str) -> Iterator[str]:
    """What the worker said after `word`, line by line, until it ends."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(f"{word} "):
            yield line.removeprefix(f"{word} ").strip()


# --- what lies in the file


def backwards(mark: str) -> Sealing:
    """Stands for a cipher: it opens what is in clear, too, and nothing of another mark."""

    def opened(stored: str) -> str | None:
        if stored.startswith("{"):
            return stored
        return stored.removeprefix(mark)[::-1] if stored.startswith(mark) else None

    return Sealing(lambda text: mark + text[::-1], opened)


def at_rest(path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))


def test_messages_lie_sealed_and_come_in_clear(connect: Connect, path: Path) -> None:
    connection = connect(sealing=backwards("1"))
    publish(connection, "Mwakyusa", serializer="json")
    lies = at_rest(path)
    assert b"Mwakyusa" not in lies
    assert b"1}" in lies
    assert taken(connection).payload == "Mwakyusa"


def test_message_that_nothing_opens_is_kept_until_something_does(connect: Connect) -> None:
    publish(connect(sealing=backwards("1")), "a")
    other = connect(sealing=backwards("2"))
    message = taken(other)
    assert (message.body, message.headers["x-unreadable"]) == (b"", True)
    message.reject()
    assert taken(connect(sealing=backwards("1")), "work.dead").payload == "a"


def test_messages_in_clear_are_sealed_anew(connect: Connect, path: Path) -> None:
    publish(connect(), "Mwakyusa", "b")
    publish(connect(sealing=backwards("2")), "c")
    connection = connect(sealing=backwards("1"))
    assert connection.default_channel.store.seal_anew() == (2, 1)
    assert b"usa" not in at_rest(path)
    assert [taken(connection).payload for _ in range(2)] == ["Mwakyusa", "b"]


# --- publishing and acknowledging


def test_messages_come_in_the_order_of_publishing(connect: Connect) -> None:
    publish(connect(), *"abcdef")
    consumer = connect()
    assert [taken(consumer).payload for _ in range(6)] == list("abcdef")


def test_acknowledged_message_is_gone(connect: Connect, path: Path) -> None:
    connection = connect()
    publish(connection, "a")
    taken(connection).ack()
    assert rows(path) == 0


def test_message_in_hand_is_given_to_nobody_else(connect: Connect) -> None:
    connection, other = connect(), connect()
    publish(connection, "a")
    taken(connection)
    assert take(other) is None
    assert waiting(other) == 0


def test_acknowledging_up_to_a_message_takes_those_before_it(connect: Connect, path: Path) -> None:
    connection = connect()
    publish(connection, *"abc")
    messages = [taken(connection) for _ in range(3)]
    messages[1].ack(multiple=True)
    assert rows(path) == 1
    messages[2].ack()
    assert rows(path) == 0


def test_message_taken_without_acknowledgement_is_gone(connect: Connect, path: Path) -> None:
    connection = connect()
    publish(connection, "a", "b")
    seen: list[object] = []
    with connection.Consumer(
        Queue("work"), callbacks=[lambda body, _message: seen.append(body)], no_ack=True
    ):
        connection.drain_events(timeout=1)
    assert seen == ["a"]
    assert taken(connection, no_ack=True).payload == "b"
    assert rows(path) == 0


def test_prefetch_bounds_what_is_in_hand(connect: Connect) -> None:
    connection = connect()
    publish(connection, *"abc")
    held: list[Message] = []
    with connection.Consumer(Queue("work"), on_message=held.append, prefetch_count=2):
        connection.drain_events(timeout=1)
        connection.drain_events(timeout=1)
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.1)
        held[0].ack()
        connection.drain_events(timeout=1)
    assert [message.payload for message in held] == list("abc")


# --- messages that come again


def test_message_comes_again_when_its_lease_ends(connect: Connect) -> None:
    clock = Clock()
    connection, other = connect(now=clock, lease_s=30), connect(now=clock, lease_s=30)
    publish(connection, "a", "b")
    taken(connection)
    clock.now += 30
    again = taken(other)
    assert (again.payload, again.headers["x-delivery-count"]) == ("a", 1)
    assert again.properties["delivery_info"]["redelivered"]


def test_late_acknowledgement_removes_nothing(
    connect: Connect, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)  # whatever other tests left
    clock = Clock()
    connection, other = connect(now=clock, lease_s=30), connect(now=clock, lease_s=30)
    publish(connection, "a")
    late = taken(connection)
    clock.now += 30
    successor = taken(other)
    late.ack()
    (record,) = caplog.records
    assert (record.name, record.message) == ("kombu_sqlite.channel", "acknowledged_too_late")
    assert vars(record)["delivery_tag"] == late.delivery_tag
    assert rows(path) == 1
    successor.ack()
    assert rows(path) == 0


def test_requeued_message_keeps_its_place(connect: Connect) -> None:
    connection = connect()
    publish(connection, *"abc")
    first, second = taken(connection), taken(connection)
    second.requeue()
    first.requeue()
    assert [taken(connection).payload for _ in range(3)] == list("abc")


def test_closing_gives_back_what_is_in_hand_at_once(connect: Connect, path: Path) -> None:
    connection, other = connect(), connect()
    publish(connection, *"abc")
    taken(connection).ack()
    taken(connection)
    connection.release()
    assert rows(path) == 2
    assert [taken(other).payload for _ in range(2)] == ["b", "c"]


def test_slow_handler_keeps_its_message(connect: Connect, path: Path) -> None:
    slow, other = connect(lease_s=0.3), connect(lease_s=0.3)
    publish(slow, "a")
    message = taken(slow)
    time.sleep(0.9)
    assert take(other) is None
    message.ack()
    assert rows(path) == 0


# --- messages that nobody can handle


def test_message_delivered_too_often_goes_to_dead_letters(connect: Connect) -> None:
    connection = connect(max_attempts=3)
    publish(connection, "poison", "good")
    for _ in range(3):
        taken(connection).requeue()
    assert taken(connection).payload == "good"
    dead = taken(connection, "work.dead")
    assert dead.payload == "poison"
    assert dead.headers["x-first-death-reason"] == "delivery_limit"
    assert dead.headers["x-first-death-queue"] == "work"
    assert dead.headers["x-attempts"] == 3


def test_rejected_message_goes_to_dead_letters(connect: Connect) -> None:
    connection = connect()
    publish(connection, "a")
    taken(connection).reject()
    assert waiting(connection) == 0
    dead = taken(connection, "work.dead")
    assert dead.headers["x-first-death-reason"] == "rejected"
    assert dead.headers["x-attempts"] == 1


def test_dead_letter_stays_however_often_it_is_looked_at(connect: Connect) -> None:
    connection = connect(max_attempts=2)
    publish(connection, "a")
    taken(connection).reject()
    for _ in range(4):
        taken(connection, "work.dead").requeue()
    dead = taken(connection, "work.dead")
    assert dead.headers["x-attempts"] == 1


def test_late_rejection_does_not_bury_the_message(connect: Connect) -> None:
    clock = Clock()
    connection, other = connect(now=clock, lease_s=30), connect(now=clock, lease_s=30)
    publish(connection, "a")
    late = taken(connection)
    clock.now += 30
    taken(other)
    late.reject()
    assert take(other, "work.dead") is None


# --- queues and routes


def test_publisher_reaches_a_queue_it_never_declared(connect: Connect) -> None:
    publish(connect(), "a", to="unheard-of")
    assert waiting(connect(), "unheard-of") == 1


def test_binding_declared_by_another_process_routes(connect: Connect, path: Path) -> None:
    connection = connect()
    connection.connect()
    with worker("declare", path, "events", "policy.created", "work") as declaring:
        assert declaring.wait(10) == 0
    publish(connection, "a", exchange="events", to="policy.created")
    assert waiting(connection) == 1


def test_message_goes_to_every_queue_bound(connect: Connect) -> None:
    connection = connect()
    exchange = Exchange("events")
    for name in ("one", "two"):
        Queue(name, exchange, routing_key="k")(connection.default_channel).declare()
    bound = Queue("three", exchange, routing_key="k")(connection.default_channel)
    bound.declare()
    bound.unbind_from(exchange, routing_key="k")
    publish(connection, "a", exchange="events", to="k")
    assert [waiting(connection, name) for name in ("one", "two", "three")] == [1, 1, 0]


def test_unroutable_message_is_refused_when_mandatory(connect: Connect, path: Path) -> None:
    connection = connect()
    publish(connection, "a", exchange="events", to="nowhere")
    with pytest.raises(ChannelError, match="no queue is bound"):
        publish(connection, "a", exchange="events", to="nowhere", mandatory=True)
    assert rows(path) == 0


def test_exchange_of_another_type_is_refused(connect: Connect) -> None:
    with pytest.raises(ChannelError, match="topic"):
        Exchange("events", type="topic")(connect().default_channel).declare()


def test_unknown_names_are_not_found(connect: Connect) -> None:
    channel = connect().default_channel
    with pytest.raises(ChannelError, match="no queue"):
        Queue("work")(channel).queue_declare(passive=True)
    with pytest.raises(ChannelError, match="no exchange"):
        Exchange("events")(channel).declare(passive=True)


def test_purge_leaves_what_is_in_hand(connect: Connect, path: Path) -> None:
    connection = connect()
    publish(connection, *"abc")
    taken(connection)
    assert Queue("work")(connection.default_channel).purge() == 2
    assert rows(path) == 1


def test_deleted_queue_is_gone_with_its_messages(connect: Connect, path: Path) -> None:
    connection = connect()
    queue = Queue("work", Exchange("events"), routing_key="k")(connection.default_channel)
    queue.declare()
    publish(connection, *"ab")
    queue.delete(if_empty=True)
    assert waiting(connection) == 2
    queue.delete()
    publish(connection, "c", exchange="events", to="k")
    assert rows(path) == 0


def test_bounded_queue_drops_its_oldest(connect: Connect) -> None:
    connection = connect()
    newest = Queue("newest", queue_arguments={"x-max-length": 1})
    publish(connection, *"abc", to="newest", declare=[newest])
    assert waiting(connection, "newest") == 1
    assert taken(connection, "newest").payload == "c"


# --- waiting


def test_waiting_ends_at_its_timeout(connect: Connect) -> None:
    connection = connect()
    with connection.Consumer(Queue("work"), on_message=lambda _message: None):
        for timeout_s in (0, 0.3):
            begun = time.monotonic()
            with pytest.raises(TimeoutError):
                connection.drain_events(timeout=timeout_s)
            assert timeout_s <= time.monotonic() - begun < timeout_s + 0.5


def test_message_of_the_same_process_ends_the_wait_at_once(connect: Connect) -> None:
    connection, publisher = connect(polling_interval=60), connect()
    publisher.connect()
    ringing = threading.Timer(1.5, publish, (publisher, "a"))  # amid a pause that lasts to 2.5
    seen: list[Message] = []
    with connection.Consumer(Queue("work"), on_message=seen.append):
        ringing.start()
        begun = time.monotonic()
        connection.drain_events(timeout=20)
        assert time.monotonic() - begun < 2.2
    ringing.join()
    assert len(seen) == 1


def test_message_of_another_process_ends_the_wait_soon(connect: Connect, path: Path) -> None:
    connection = connect()
    with (
        connection.Consumer(Queue("work"), on_message=lambda message: message.ack()),
        worker("publish", path, "work", "p", 1),
    ):
        connection.drain_events(timeout=5)


# --- processes that end


def test_message_of_a_killed_consumer_is_delivered_again(connect: Connect, path: Path) -> None:
    connection = connect(lease_s=1.0)
    publish(connection, "a")
    with worker("consume", path, "work", 1.0, 60, 60) as holder:
        assert next(said(holder, "got")) == "a"
        assert take(connection) is None
        holder.send_signal(signal.SIGKILL)
    seen: list[Message] = []
    with connection.Consumer(Queue("work"), on_message=seen.append):
        connection.drain_events(timeout=3)
    assert (seen[0].payload, seen[0].headers["x-delivery-count"]) == ("a", 1)


def test_nothing_is_lost_when_one_of_two_consumers_is_killed(connect: Connect, path: Path) -> None:
    connection = connect()
    expected = {str(n) for n in range(200)}
    publish(connection, *sorted(expected))
    with (
        worker("consume", path, "work", 1.0, 0.005, 1.5) as victim,
        worker("consume", path, "work", 1.0, 0.005, 1.5) as survivor,
    ):
        until_killed = said(victim, "got")
        seen = {next(until_killed) for _ in range(30)}
        victim.send_signal(signal.SIGKILL)
        seen.update(until_killed)
        assert seen != expected
        seen.update(said(survivor, "got"))
    assert seen == expected
    assert rows(path) == 0


def test_message_reported_as_published_outlives_its_killed_publisher(
    connect: Connect, path: Path
) -> None:
    with worker("publish", path, "work", "p", "endless") as publisher:
        put = said(publisher, "put")
        reported = [next(put) for _ in range(50)]
        publisher.send_signal(signal.SIGKILL)
        reported += put
    connection = connect()
    stored = [taken(connection).payload for _ in range(waiting(connection))]
    assert stored[: len(reported)] == [f"p:{n}" for n in reported]


def test_concurrent_publishers_lose_nothing(connect: Connect, path: Path) -> None:
    with (
        worker("publish", path, "work", "p", 150) as one,
        worker("publish", path, "work", "q", 150) as two,
    ):
        assert (one.communicate()[0].count("put"), two.communicate()[0].count("put")) == (150, 150)
    connection = connect()
    stored = [str(taken(connection).payload) for _ in range(waiting(connection))]
    for name in "pq":
        assert [body for body in stored if body[0] == name] == [f"{name}:{n}" for n in range(150)]


def test_threads_share_a_connection(connect: Connect, path: Path) -> None:
    connection = connect()
    publish(connection, *map(str, range(40)))
    messages = [taken(connection) for _ in range(40)]
    threads = [threading.Thread(target=message.ack) for message in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(path) == 0


# --- the file


def test_file_is_for_its_owner_only(connect: Connect, path: Path) -> None:
    publish(connect(), "a")
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()}
    assert set(modes.values()) == {"0o600"}, modes


def test_new_file_may_be_opened_by_many_at_once(connect: Connect, path: Path) -> None:
    connections = [connect() for _ in range(8)]
    threads = [
        threading.Thread(target=publish, args=(connection, "a")) for connection in connections
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(path) == 8


def test_registered_scheme_names_the_file(path: Path) -> None:
    register()
    with Connection(f"lease:///{path}") as connection:
        publish(connection, "a")
    assert rows(path) == 1


def test_unusable_file_is_an_operational_error(path: Path) -> None:
    path.parent.write_text("a file where the folder should be")
    connection = Connection(
        transport=SqliteTransport, transport_options={"path": str(path), "max_retries": 0}
    )
    with pytest.raises(OperationalError):
        publish(connection, "a")
    connection.release()


def test_consumer_that_fails_leaves_its_message(connect: Connect, path: Path) -> None:
    def fail(_message: Message) -> None:
        raise RuntimeError("the handler's own")

    connection = connect()
    publish(connection, "a")
    with (
        pytest.raises(RuntimeError),
        Consumer(connection.channel(), [Queue("work")], on_message=fail),
    ):
        connection.drain_events(timeout=1)
    connection.release()
    assert waiting(connect()) == 1


def test_library_stands_alone() -> None:
    """It imports Kombu, amqp and the standard library; its log fields are those it says."""
    code = (
        "import sys; before = set(sys.modules); import kombu_sqlite.transport;"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before}"
        " - set(sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(LIBRARY)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert loaded >= {"kombu", "amqp", "kombu_sqlite"}
    assert not loaded & {"common", "structlog"}


def test_log_records_carry_the_fields_that_are_told() -> None:
    sources = "".join(path.read_text() for path in Path(kombu_sqlite.__file__).parent.glob("*.py"))
    extras = re.findall(r"extra=\{(.*?)\}", sources, re.DOTALL)
    assert {name for one in extras for name in re.findall(r'"(\w+)":', one)} == LOG_FIELDS
