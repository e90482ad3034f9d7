"""Whatever process ends is started again, and the health page says so."""

import pytest
from console import open_console, sign_in, staff_of
from hub import Hub

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

LIMIT_S = 120.0


def said_of_processes(hub: Hub) -> dict[str, str]:
    found = hub.api("GET", "checks/", 200)["checks"]
    return {one["subject"]: one["detail"] for one in found if one["measure"] == "process"}


@pytest.mark.parametrize("shape", ["embedded", "production"])
def test_each_kind_of_process_is_started_again_and_the_health_page_says_so(
    own_hub, eventually, shape
):
    hub = own_hub(shape)
    before = hub.stack.pids()
    for name in before:
        hub.stack.kill(name)
    eventually(lambda: _all_are_new(before, hub.stack.pids()), LIMIT_S)
    hub.stack.wait_ready(LIMIT_S)
    watched = [name for name in before if not name.startswith("demo-")]

    def is_said() -> bool:
        said = said_of_processes(hub)
        return all("started again once, last after SIGKILL" in said[name] for name in watched)

    eventually(is_said, LIMIT_S)
    session = open_console(hub)
    _, username, password = staff_of(hub, "viewer")
    sign_in(hub, session, username, password)
    assert "started again once" in session.get(f"{hub.url}/admin/mediator/checks/").text
    assert {one["state"] for one in hub.api("GET", "checks/", 200)["checks"]} <= {"well", "unknown"}


def _all_are_new(before: dict[str, int], now: dict[str, int]) -> bool:
    return before.keys() == now.keys() and all(now[name] != pid for name, pid in before.items())
