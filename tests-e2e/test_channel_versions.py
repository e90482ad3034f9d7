"""Channels over time and over installations: versions, dry runs, rollback, export and apply."""

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hub import Hub, unique
from raw_mediator import RawMediator, answer
from systems import Start

#: Connections that calls are made over.
AT_ONCE = 20


def seen_target(sock: Any, received: Any) -> None:
    """Answers what was asked for."""
    answer(f"{received.request_line.split(' ')[0]} {received.target}".encode())(sock, received)


def asked(hub: Hub, path: str) -> tuple[int, str]:
    """Status and text of the answer, over a connection of its own."""
    return _answer(hub, "GET", path, {**hub.credentials, "Connection": "close"})


async def make_calls(hub: Hub, path: str, count: int) -> None:
    """So many calls that end well, over connections that are kept."""
    address = urlsplit(hub.url)
    fields = {"Host": "hub.example", **hub.credentials}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def some() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for _ in range(count // AT_ONCE):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
            length = re.search(rb"(?i)content-length: (\d+)", head)
            assert length
            await reader.readexactly(int(length[1]))
        writer.close()

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("hub", ["embedded"], indirect=True)
@pytest.mark.parametrize("calls", [200, pytest.param(10_000, marks=pytest.mark.faults)])
def test_a_channel_changed_three_times_is_tried_and_rolled_back(
    hub: Hub, mediator: RawMediator, calls: int
) -> None:
    mediator.default = seen_target
    path = f"/{unique('v')}/a"
    record = hub.new_mediator(mediator.url)
    channel = hub.new_channel(f"{path}*", record["id"])
    hub.in_force()
    asyncio.run(make_calls(hub, path, calls))

    at = f"channels/{channel['id']}"
    changes = ({"rewrite_path": "/two"}, {"methods": ["GET"]}, {"allow": ["nobody-here"]})
    for change in changes:
        hub.api("PATCH", f"{at}/", 200, json=change)
    hub.in_force()
    assert asked(hub, path) == (403, "")
    versions = hub.api("GET", f"{at}/versions/", 200)["data"]
    assert [one["number"] for one in versions] == [4, 3, 2, 1]
    assert [[change["field"] for change in one["changes"]] for one in versions[:3]] == [
        ["allow"],
        ["methods"],
        ["rewrite_path"],
    ]
    assert {one["actor"] for one in versions} == {hub.stack.demo_client_id}

    began = time.monotonic()
    tried = hub.api("POST", f"{at}/dry-run/", 200, json={"version": 1, "calls": calls})
    took_s = time.monotonic() - began
    counts = {one["outcome"]: one["calls"] for one in tried["outcomes"]}
    assert (tried["calls"], counts["taken"], counts["undecided"]) == (calls, calls, 0)
    assert asked(hub, path) == (403, "")

    hub.api("POST", f"{at}/versions/1/rollback/", 200)
    late_s = hub.in_force()
    assert asked(hub, path) == (200, f"GET {path}")
    print(f"dry run of {calls} calls: {took_s:.2f} s; in force everywhere after {late_s:.2f} s")
    assert took_s < 20
    newest = hub.api("GET", f"{at}/versions/", 200, params={"limit": 1})["data"][0]
    assert (newest["number"], newest["rolled_back_to"]) == (5, 1)


@pytest.mark.faults  # starts two systems
@pytest.mark.timeout(400)
def test_an_export_makes_the_same_channels_elsewhere(
    own_hub: Start, mediator: RawMediator, tmp_path: Path
) -> None:
    mediator.default = seen_target
    first = own_hub("embedded", services=["proxy"])
    second = own_hub("embedded", services=["proxy"], DEMO="0")
    to = first.new_mediator(mediator.url, config={"password": "never-exported"})["id"]
    first.new_client(client_id="lab", roles=["labs"])
    first.new_channel("/plain/*", to)
    first.new_channel("/cut/*", to, rewrite_expression="s/cut/whole/", methods=["GET"])
    first.new_channel("/labs/*", to, allow=["labs"], priority=2)
    first.new_channel("^/json/\\d+$", to, match_content_types=["application/json"])
    first.new_channel("/open/*", to, is_public=True, is_active=False)

    exported = first.stack.flask("proxy", "export")
    assert "never-exported" not in exported
    file = tmp_path / "kiungo.json"
    file.write_text(exported)
    count = sum(len(one) for one in json.loads(exported).values() if isinstance(one, list))
    assert re.search(
        r"channels 'channel-\w+': new", second.stack.flask("proxy", "apply", str(file))
    )
    again = second.stack.flask("proxy", "apply", str(file))
    assert again.startswith(f"0 new, 0 changed, {count} unchanged, 0 only here, 0 error")
    assert second.stack.flask("proxy", "export") == exported

    made = second.stack.flask("proxy", "create-client", "caller")
    pairs = dict(line.split("=", 1) for line in made.split() if "=" in line)
    caller = {"X-Client-Id": pairs["client_id"], "X-Client-Secret": pairs["client_secret"]}
    first.in_force()
    second.in_force()
    as_json = {"Content-Type": "application/json"}
    calls: list[tuple[str, str, dict[str, str]]] = [
        ("GET", "/plain/x?a=%20b", {}), ("PUT", "/plain/", {}), ("GET", "/cut/1", {}),
        ("POST", "/cut/1", {}), ("GET", "/labs/1", {}), ("POST", "/json/17", as_json),
        ("POST", "/json/17", {}), ("POST", "/json/x", as_json), ("GET", "/open/1", {}),
        ("GET", "/nowhere", {}),
    ]  # fmt: skip
    here = [_answer(first, *call, {**first.credentials, **more}) for *call, more in calls]
    there = [_answer(second, *call, {**caller, **more}) for *call, more in calls]
    assert here == there
    assert {status for status, _ in here} == {200, 403, 404, 405}


def _answer(hub: Hub, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    found = requests.request(method, hub.url + path, headers=headers, timeout=30)
    return found.status_code, found.text if found.status_code == 200 else ""
