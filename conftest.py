"""How the tests are collected, and shared out when several processes run them (`make test`)."""

import gc
import os
import zlib
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

#: Words in a test's id that mean RabbitMQ: its queues are shared by all who use it.
_BROKER = ("rabbitmq", "amqp")
#: The groups that last longest; they begin first. The embedded shape takes twice as long as the
#: other: two systems of it are started.
_EMBEDDED = ("embedded-0", "embedded-1")
_LONGEST = (*_EMBEDDED, "production")


#: In each process over a million objects are collected, and none is rubbish (`common.loading`).
gc.disable()


#: A disk in memory, where there is one, and what must be free on it: a run writes far less.
_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own there
_ROOM_BYTES = 4 << 30


def pytest_configure(config: pytest.Config) -> None:
    """Tests' files are in memory: tens of thousands of commits need not wait for a disk.

    The services still ask for each commit to be on disk; what a real one adds is for `faults`.
    """
    if config.option.markexpr == "not faults" and _has_room():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def _has_room() -> bool:
    if not os.access(_MEMORY, os.W_OK):
        return False
    found = os.statvfs(_MEMORY)
    return found.f_bavail * found.f_frsize > _ROOM_BYTES and not found.f_flag & os.ST_NOEXEC


def pytest_collection_finish() -> None:
    """From here on the collector looks at what the tests make, not at what was loaded."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def kept() -> dict[Any, Any]:
    """What a process builds once. With several processes, a session's fixture that has parameters
    ends with each: a file's tests ask for one database and the other, and so do the next file's.
    """
    return {}


class _Grouped(LoadScopeScheduling):
    """A file's tests stay together; so does all that needs one running system, or RabbitMQ."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Share tests out by group, in the order of `pytest_collection_modifyitems`."""
    config.option.loadscopereorder = False
    return _Grouped(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes run, the longest groups come first."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: _group(item.nodeid) not in _LONGEST)


def _group(nodeid: str) -> str:
    lower = nodeid.lower()
    if "production" in lower.partition("[")[2] or any(word in lower for word in _BROKER):
        return "production"
    file = nodeid.split("::", maxsplit=1)[0]
    if not file.startswith("tests-e2e"):
        return file
    return _EMBEDDED[zlib.crc32(file.encode()) % len(_EMBEDDED)]
