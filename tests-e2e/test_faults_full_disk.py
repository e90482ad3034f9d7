"""A full disk is a state that is said, in which nothing is made twice, and that ends by itself."""

import subprocess
from collections import Counter

import pytest
from hub import unique
from raw_mediator import answer
from systems import systems

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

DISK_MIB = 48
CALLS = 40


@pytest.fixture
def small_disk(tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    size = f"size={DISK_MIB}m"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "kiungo", path]).returncode:
        pytest.skip("a file system can be mounted only by root")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def fill(path) -> None:
    with (path / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            return


def test_a_full_disk_is_said_and_calls_go_on_once_there_is_room(small_disk, mediator, eventually):
    mediator.default = answer(b"made")
    with systems(small_disk) as start:
        hub = start("embedded", services=["proxy"], WATCHED_PATHS=str(small_disk))
        hub.new_channel("/full/*", hub.new_mediator(mediator.url)["id"])
        hub.in_force()
        body = bytes(200_000)  # the record keeps it, so that it needs room
        assert hub.call("POST", "/full/before", data=body).status_code == 200
        before = hub.stack.pids()
        fill(small_disk)
        answers = [hub.call("POST", f"/full/{unique('x')}", data=body) for _ in range(CALLS)]
        statuses = Counter(one.status_code for one in answers)
        assert statuses[503] > 0, statuses
        assert set(statuses) <= {200, 503}, statuses
        said = next(one for one in answers if one.status_code == 503)
        assert said.headers["Content-Type"] == "application/problem+json"
        made = Counter(one.target for one in mediator.received)
        assert max(made.values()) == 1  # nothing was made twice
        assert len(made) == 1 + statuses[200] + _said_as_made(answers)
        (small_disk / "filler").unlink()
        eventually(lambda: hub.call("POST", "/full/after", data=body).status_code == 200, 60)
        assert hub.stack.pids() == before  # no process had to start again
        answered = {one.headers["X-Correlation-Id"] for one in answers if one.status_code == 200}
        found = hub.api("GET", "transactions/", 200, params={"limit": 500})["data"]
        ended = {one["correlation_id"] for one in found if one["status"] == "successful"}
        assert answered <= ended


def _said_as_made(answers) -> int:
    """Answers that say that the call was made, and its end not recorded."""
    return sum("The call was made" in one.text for one in answers if one.status_code == 503)
