"""The command line `kiungo` and the Python client, through nginx against the running system."""

import json
import os
import subprocess
import sys
import uuid

import pytest
from kiungo_client import ClientCredentials, Kiungo, ProblemError
from kiungo_client.client import each
from stack import ROOT
from waiting import eventually

#: Each command starts a process; the APIs' own tests ask in both shapes.
pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


@pytest.fixture
def environ(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KIUNGO_")}
    path = os.pathsep.join(filter(None, [str(ROOT / "clients/python"), kept.get("PYTHONPATH")]))
    return {**kept, "PYTHONPATH": path, "KIUNGO_CONFIG_DIR": str(tmp_path / "kept")}


@pytest.fixture
def kiungo(hub, environ):
    """Runs a command as the demonstration's client; what it printed and its exit code."""

    def run(*words, stdin=""):
        command = [sys.executable, "-m", "kiungo_client", *words]
        return subprocess.run(
            command,
            env=environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    client_id, secret = hub.credentials.values()
    done = run("login", hub.url, "--client-id", client_id, "--secret-file", "-", stdin=secret)
    assert done.returncode == 0, done.stderr
    assert secret not in done.stdout + done.stderr
    return run


def _json(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_channels_are_listed_exported_and_applied(kiungo, tmp_path):
    names = {one["name"] for one in _json(kiungo("channels", "list", "--json"))}
    assert "Demo echo" in names
    assert _json(kiungo("channels", "show", "Demo echo", "--json"))["path_pattern"] == "/demo/*"
    file = tmp_path / "channels.json"
    assert kiungo("channels", "export", "--out", str(file)).returncode == 0
    found = _json(kiungo("channels", "apply", str(file), "--dry-run", "--json"))
    outcomes = {one["outcome"] for one in found["data"] if one["kind"] in ("channel", "mediator")}
    assert outcomes <= {"unchanged", "only here"}
    assert not found["applied"]


def test_a_call_is_found_shown_and_made_again(hub, base, kiungo):
    correlation_id = hub.call("GET", base).headers["X-Correlation-Id"]
    found = _json(kiungo("calls", "list", "--path", base, "--json"))
    assert [one["correlation_id"] for one in found] == [correlation_id]
    shown = _json(kiungo("calls", "show", correlation_id, "--json"))
    assert shown["request_url"].endswith(base)
    assert correlation_id in kiungo("calls", "list", "--path", base).stdout
    task = _json(kiungo("rerun", correlation_id, "--wait", "--json"))
    assert (task["done"], task["failed"]) == (1, 0)
    assert len(_json(kiungo("calls", "list", "--path", base, "--json"))) == 2


def test_the_tail_shows_a_call_that_ends_now(hub, base, environ, kiungo):
    command = [sys.executable, "-m", "kiungo_client", "calls", "tail", "--json"]
    command += ["--path", base, "--count", "1"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as tail:
        made = []

        def has_ended():
            made.append(hub.call("GET", base).headers["X-Correlation-Id"])
            return tail.poll() is not None

        eventually(has_ended)
        assert tail.stdout is not None
        assert json.loads(tail.stdout.readline())["correlation_id"] in made
        assert tail.returncode == 0


def test_errors_end_commands_with_their_codes(hub, kiungo):
    unknown = kiungo("messages", "requeue", str(uuid.uuid4()))
    assert unknown.returncode == 1
    assert "correlation id: " in unknown.stderr
    assert _json(kiungo("messages", "list", "--json")) is not None
    assert kiungo("alerts", "acknowledge", str(uuid.uuid4())).returncode == 1
    assert _json(kiungo("alerts", "list", "--json")) is not None
    words = ("login", hub.url, "--client-id", "demo", "--secret-file", "-")
    assert kiungo(*words, stdin="wrong").returncode == 5
    assert kiungo("channels", "list").returncode == 0  # the former login stands


def test_the_client_reads_pages_and_problems(hub):
    with Kiungo(hub.url, ClientCredentials(*hub.credentials.values())) as kiungo:
        listed = [one["id"] for one in each(kiungo.proxy.channels_get, limit=1)]
        assert len(listed) == len(set(listed)) > 1
        with pytest.raises(ProblemError) as caught:
            kiungo.proxy.one_channel_get(str(uuid.uuid4()))
        assert (caught.value.status, len(caught.value.correlation_id)) == (404, 36)
        echo = next(one for one in each(kiungo.proxy.channels_get) if one["name"] == "Demo echo")
        assert kiungo.proxy.make_call({"channel_id": echo["id"], "path": "/demo/x", "body": {}})
