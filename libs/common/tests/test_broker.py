"""What waits in the embedded broker lies sealed, and outlives a replaced key."""

from pathlib import Path

from common.jobs.broker import open_broker, seal_messages_anew
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
