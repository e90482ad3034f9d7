"""The supervision behind `make up`, with tiny processes instead of Kiungo's."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest
from kept_process import FIRST_DELAY_S, LONGEST_DELAY_S, next_delay
from log_files import LogFiles
from ports import DEFAULT_PORTS, chosen_ports, free_ports, taken_ports
from procfile import Program, flask_apps, port_variables, read_procfile
from run_lock import AlreadyRunningError, RunLock
from stack import Stack, StackError
from waiting import eventually

TOOLS = Path(__file__).parent.parent


@contextmanager
def running(tmp_path: Path, procfile: str, *, grace_s: float = 5.0) -> Iterator[Stack]:
    (tmp_path / "Procfile").write_text(procfile)
    environ = {**os.environ, **free_ports()}
    out = io.StringIO()
    stack = Stack(tmp_path, environ, procfile=tmp_path / "Procfile", out=out, grace_s=grace_s)
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()


@contextmanager
def logged(tmp_path: Path) -> Iterator[Stack]:
    """The Procfile's processes, with files for what they write."""
    logs = LogFiles(tmp_path / "log")
    environ = {**os.environ, **free_ports()}
    stack = Stack(tmp_path, environ, procfile=tmp_path / "Procfile", out=logs)
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()
        logs.close()


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_killed_process_starts_again(tmp_path: Path) -> None:
    with running(tmp_path, "sleeper: sleep 60\n") as stack:
        first = stack.pids()["sleeper"]
        stack.kill("sleeper")
        eventually(lambda: stack.pids().get("sleeper", first) != first)
        assert is_gone(first)


def test_a_file_says_how_often_a_process_was_started_again_and_why(tmp_path: Path) -> None:
    def said(name: str) -> dict[str, object]:
        return json.loads((tmp_path / "run" / "processes.json").read_text())[name]

    with running(tmp_path, "sleeper: sleep 60\nbroken: sh -c 'exit 3'\n") as stack:
        stack.kill("sleeper")
        killed = eventually(lambda: said("sleeper")["restarts"] == 1 and said("sleeper"))
        assert killed["last_exit"]["code"] == -signal.SIGKILL
        waits = eventually(lambda: said("broken")["restarts"] >= 2 and said("broken"))
        assert waits["last_exit"]["code"] == 3
        eventually(lambda: said("sleeper")["starts_in_s"] is None)


PROCESSES = "a: env BIND=127.0.0.1:$PROXY_PORT x\na-worker: x\nnginx: x $NGINX_PORT\n"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({}, 0),
        ({"DATABASE_URL": "postgresql://x"}, 18),
        (
            {"DATABASE_URL": "postgresql://x", "WEB_CONCURRENCY": "9", "DB_CONNECTIONS_MAX": "20"},
            20,
        ),
    ],
)
def test_database_connections_are_counted_and_stay_within_the_setting(tmp_path, given, taken):
    (tmp_path / "Procfile").write_text(PROCESSES)
    environ = {**os.environ, **free_ports(), **given}
    stack = Stack(tmp_path, environ, procfile=tmp_path / "Procfile", out=io.StringIO())
    assert stack.database_connections == taken
    if given:
        fewer = {**environ, "DB_CONNECTIONS_MAX": "3", "WEB_CONCURRENCY": "2"}
        tight = Stack(tmp_path, fewer, procfile=tmp_path / "Procfile", out=io.StringIO())
        with pytest.raises(StackError, match=r"take 6 PostgreSQL connections.*allows 3"):
            _ = tight.database_connections


def test_children_of_a_killed_process_end_before_its_successor_starts(tmp_path: Path) -> None:
    # The child holds the port, as gunicorn's workers do when their master is killed.
    port = free_ports()["PROXY_PORT"]
    parent = (
        f'{sys.executable} -c "import subprocess, sys; subprocess.run('
        f"[sys.executable, '-m', 'http.server', '{port}', '--bind', '127.0.0.1'])\""
    )

    def answers() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", int(port))) == 0

    with running(tmp_path, f"web: {parent}\n") as stack:
        eventually(answers)
        children = psutil.Process(stack.pids()["web"]).children()
        stack.kill("web")
        eventually(lambda: all(is_gone(child.pid) for child in children))
        eventually(answers)


def test_stop_leaves_no_process(tmp_path: Path) -> None:
    with running(tmp_path, 'a: sh -c "sleep 60 & wait"\nb: sleep 60\n') as stack:
        eventually(lambda: psutil.Process(stack.pids()["a"]).children())
        started = [psutil.Process(pid) for pid in stack.pids().values()]
        children = [*started, *(one for top in started for one in top.children(recursive=True))]
    assert len(children) >= 3
    # The kernel closes a killed process's output a moment before the process is gone.
    eventually(lambda: all(is_gone(child.pid) for child in children))


def test_process_that_ignores_sigterm_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(60)"
    with running(tmp_path, f'deaf: {sys.executable} -uc "{deaf}"\n', grace_s=0.5) as stack:
        pid = stack.pids()["deaf"]
        eventually(lambda: _ignores_sigterm(pid))
    assert is_gone(pid)


def _ignores_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    ignored = next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn"))
    return bool(int(ignored, 16) & 1 << (signal.SIGTERM - 1))


def test_one_process_can_be_stopped_and_started(tmp_path: Path) -> None:
    with running(tmp_path, "a: sleep 60\nb: sleep 60\n") as stack:
        other = stack.pids()["b"]
        stack.stop_process("a", signal.SIGKILL)
        assert stack.pids() == {"b": other}
        with pytest.raises(ProcessLookupError):
            stack.kill("a")
        stack.start_process("a")
        assert stack.pids().keys() == {"a", "b"}


def test_processes_end_with_a_killed_supervisor(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("sleeper: sleep 60\n")
    program = (
        "import sys, time; from pathlib import Path; from stack import Stack\n"
        "stack = Stack(Path(sys.argv[1]), procfile=Path(sys.argv[1]) / 'Procfile')\n"
        "stack.start(); print(stack.pids()['sleeper'], flush=True); time.sleep(60)\n"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(TOOLS)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert supervisor.stdout is not None
    with supervisor, supervisor.stdout as words:
        pid = int(words.readline())
        eventually(lambda: psutil.Process(pid).name() == "sleep")
        supervisor.kill()
    eventually(lambda: is_gone(pid))


def test_lines_carry_the_name_of_their_process(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("talker: echo hello from $NGINX_PORT\nlong-name: sleep 60\n")
    out = io.StringIO()
    environ = {**os.environ, **free_ports()}
    stack = Stack(tmp_path, environ, procfile=tmp_path / "Procfile", out=out)
    stack.start()
    try:
        expected = f"talker    | hello from {environ['NGINX_PORT']}\n"
        eventually(lambda: expected in out.getvalue())
    finally:
        stack.stop()


def test_each_process_has_a_log_of_its_own_that_is_rotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("log_files.MAX_BYTES", 200)
    (tmp_path / "Procfile").write_text(
        "talker: sh -c 'seq -f \"a line of thirty characters %g\" 9; sleep 60'\n"
        "other: sh -c 'echo hello; sleep 60'\n"
    )
    folder = tmp_path / "log"
    with logged(tmp_path):
        eventually(lambda: (folder / "talker.log").exists() and (folder / "other.log").exists())
        eventually(lambda: "characters 9" in (folder / "talker.log").read_text())
        assert (folder / "other.log").read_text() == "hello\n"
        assert "characters 1" in (folder / "talker.log.1").read_text()


def test_process_that_keeps_ending_is_named_with_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("broken: sh -c 'echo no such key; exit 3'\n")
    with logged(tmp_path) as stack:
        with pytest.raises(StackError, match="broken keeps ending:") as refused:
            stack.wait_ready(20)
        assert "\nno such key\n" in str(refused.value)


def test_taken_port_is_named_with_its_variable_and_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: sleep $PROXY_PORT\n")
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        environ = {**os.environ, **free_ports(), "PROXY_PORT": str(port)}
        stack = Stack(tmp_path, environ, procfile=tmp_path / "Procfile")
        with pytest.raises(StackError, match=rf"port {port} ") as refused:
            stack.up()
        command = re.search(r"^  make up PROXY_PORT=(\d+)$", str(refused.value), re.MULTILINE)
        assert command
        assert not taken_ports({"PROXY_PORT": int(command.group(1))}, ["PROXY_PORT"])
        assert stack.pids() == {}
        assert not (tmp_path / "keys").exists()


def test_two_variables_with_one_port_are_found_out() -> None:
    ports = {name: int(port) for name, port in free_ports().items()}
    ports["PROXY_PORT"] = ports["NGINX_PORT"]
    assert len(taken_ports(ports, ["NGINX_PORT", "PROXY_PORT"])) == 1


def test_next_free_block_of_ports_is_found() -> None:
    offset = 3_000
    given = {"PORTS": "auto", **dict.fromkeys(DEFAULT_PORTS, "")}
    given |= {name: str(port + offset) for name, port in DEFAULT_PORTS.items() if "NGINX" in name}
    first = chosen_ports(given)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", first["PROXY_PORT"]))
        squatter.listen()
        second = chosen_ports(given)
    assert second["NGINX_PORT"] == first["NGINX_PORT"] == DEFAULT_PORTS["NGINX_PORT"] + offset
    assert second["PROXY_PORT"] > first["PROXY_PORT"]
    assert not taken_ports(second, second)


def test_ports_are_found_only_where_that_is_asked_for() -> None:
    assert chosen_ports({}) == DEFAULT_PORTS
    with pytest.raises(ValueError, match="PORTS can only be auto"):
        chosen_ports({"PORTS": "any"})


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1"])
def test_bad_port_names_its_variable(tmp_path: Path, text: str) -> None:
    with pytest.raises(StackError, match="PROXY_PORT"):
        Stack(tmp_path, {"PROXY_PORT": text})


def test_demo_processes_are_left_out_on_request(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("demo-mediator: sleep 60\nweb: sleep 60\n")
    stack = Stack(tmp_path, {"DEMO": "0"}, procfile=tmp_path / "Procfile")
    assert [program.name for program in stack.installation.programs] == ["web"]


@pytest.mark.parametrize(
    ("delay_s", "ran_s", "expected"),
    [(0.2, 0.1, 0.4), (8.0, 0.1, LONGEST_DELAY_S), (8.0, 3600.0, FIRST_DELAY_S)],
)
def test_delays_grow_until_a_process_has_run_well(
    delay_s: float, ran_s: float, expected: float
) -> None:
    assert next_delay(delay_s, ran_s) == expected


def test_procfile_is_read_without_comments(tmp_path: Path) -> None:
    path = tmp_path / "Procfile"
    path.write_text("# a comment\n\nweb: env BIND=$PROXY_PORT gunicorn 'proxy.app:create_app()'\n")
    programs = read_procfile(path)
    assert programs == [Program("web", "env BIND=$PROXY_PORT gunicorn 'proxy.app:create_app()'")]
    assert flask_apps(programs) == ["proxy"]
    assert port_variables(programs) == ["PROXY_PORT"]


def test_unreadable_line_of_a_procfile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Procfile"
    path.write_text("no colon here\n")
    with pytest.raises(ValueError, match="no colon here"):
        read_procfile(path)


def test_second_run_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        assert RunLock(tmp_path).holder() == os.getpid()
        with pytest.raises(AlreadyRunningError, match=str(os.getpid())):
            RunLock(tmp_path).__enter__()
    assert RunLock(tmp_path).holder() is None


class Answers(BaseHTTPRequestHandler):
    """Says 200 to every GET."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is written."""


@contextmanager
def answering(port: int) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", port), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_stack_is_ready_only_when_the_relays_gateway_is(tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("esb-relay-gateway: sleep 60\n")
    (tmp_path / "var").mkdir()
    ports = free_ports()
    stack = Stack(tmp_path / "var", {**os.environ, **ports, "DEMO": "0"}, procfile=procfile)
    gateway = int(ports["ESB_RELAY_GATEWAY_PORT"])
    stack.start()
    try:
        with answering(int(ports["NGINX_PORT"])):
            with pytest.raises(StackError, match=f":{gateway}/readyz does not answer yet"):
                stack.wait_ready(0.5)
            with answering(gateway):
                stack.wait_ready(5)
    finally:
        stack.stop()


def test_stack_is_ready_only_when_every_process_stands(tmp_path: Path) -> None:
    # It ends twice after a moment, as one whose setting is wrong, and stays from then on.
    crashing = f"{sys.executable} -c \"import pathlib, sys, time; file = pathlib.Path('starts')"
    crashing += "; starts = int(file.read_text()) if file.exists() else 0"
    crashing += '; file.write_text(str(starts + 1)); time.sleep(0.3 if starts < 2 else 60)"'
    with running(tmp_path, f"late: {crashing}\nsteady: sleep 60\n") as stack:
        stack._wait_for = lambda *_: None  # type: ignore[method-assign] # no nginx here
        with pytest.raises(StackError, match="just started: late, steady"):
            stack.wait_ready(0.2)
        stack.wait_ready(20)
        assert (tmp_path / "starts").read_text() == "3"


def test_stack_whose_process_keeps_ending_is_not_ready(tmp_path: Path) -> None:
    with running(tmp_path, "late: sleep 0.1\nsteady: sleep 60\n") as stack:
        stack._wait_for = lambda *_: None  # type: ignore[method-assign] # no nginx here
        with pytest.raises(StackError, match="late keeps ending"):
            stack.wait_ready(20)


def test_openhims_port_has_a_certificate_that_is_made_once(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("sleeper: sleep 60\n")
    (tmp_path / "run" / "nginx").mkdir(parents=True)

    def served(**more: str) -> tuple[Stack, str]:
        environ = {**os.environ, **free_ports(), **more}
        stack = Stack(tmp_path, environ, procfile=tmp_path / "Procfile", out=io.StringIO())
        stack.installation.write_nginx_conf()
        return stack, (tmp_path / "run" / "nginx" / "edge-server.conf").read_text()

    without, conf = served()
    assert (without.installation.openhim_url, without.installation.authority) == (None, None)
    assert "ssl" not in conf
    stack, conf = served(OPENHIM_API_PORT="9444")
    assert stack.installation.openhim_url == "https://localhost:9444"
    assert "listen 127.0.0.1:9444 ssl;" in conf
    made = stack.installation.authority
    assert made is not None
    before = made.read_bytes()
    assert (made.parent / "server.key").stat().st_mode & 0o077 == 0
    served(OPENHIM_API_PORT="9444", TLS="1")
    assert made.read_bytes() == before
    with pytest.raises(StackError, match="OPENHIM_API_PORT"):
        served(OPENHIM_API_PORT="many")
