"""What waits in the embedded broker lies sealed, and outlives a replaced key."""

from pathlib import Path

from common.jobs.broker import (
    dead_letter_queue,
    durable_queue,
    open_broker,
    seal_messages_anew,
)
from common.jobs.dead_letters import DeadLetters, Done
from common.sealing import create_key
from common.settings import Environment

NAME = "Mwakyusa"


def test_queued_messages_are_sealed_and_come_under_a_new_key(tmp_path: Path) -> None:
    settings = Environment.read({"VAR_DIR": str(tmp_path)})
    folder = settings.seal_keys_folder
    with open_broker(settings) as connection, connection.SimpleQueue("before") as queue:
        queue.put(NAME)
    first = create_key(folder)
    with open_broker(settings) as connection, connection.SimpleQueue("after") as queue:
        queue.put(NAME)
    create_key(folder).rename(folder / "9.key")

    assert seal_messages_anew(settings) == (2, 0)

    first.unlink()
    lie = b"".join(path.read_bytes() for path in tmp_path.glob("broker.sqlite3*"))
    assert NAME.encode() not in lie
    for name in ("before", "after"):
        with open_broker(settings) as connection, connection.SimpleQueue(name) as queue:
            assert queue.get(timeout=5).payload == NAME


def test_letter_that_nothing_opens_is_not_sent_again(tmp_path: Path) -> None:
    settings = Environment.read({"VAR_DIR": str(tmp_path)})
    key = create_key(settings.seal_keys_folder)
    with open_broker(settings) as connection, connection.Producer() as producer:
        dead = dead_letter_queue("some")
        producer.publish(NAME, routing_key=dead.name, declare=[dead, durable_queue("some")])
    away = key.rename(key.with_suffix(".away"))
    letters = DeadLetters(settings, "some")
    [letter] = letters.all()

    assert letters.replay() == Done(0, 1)
    assert letters.replay(letter.key) == Done(0, 1)

    away.rename(key)
    with open_broker(settings) as connection, connection.SimpleQueue(dead) as queue:
        assert queue.get(timeout=5).payload == NAME
