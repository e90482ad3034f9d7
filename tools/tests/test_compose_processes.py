"""compose.yaml runs the processes of the Procfile, and they find one another alike."""

import re
import shlex
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from common.db import database
from common.web import gunicorn_conf
from compose_files import CONTAINERS, PORT, ROOT, command_of, environ_of, processes
from nginx_conf import placeholders
from ports import unused_ports
from procfile import Program, port_variables, read_procfile
from service_addresses import SERVICE_PORTS
from stack import Stack

PROGRAMS = {
    program.name: program
    for program in read_procfile(ROOT / "Procfile")
    if program.name != "nginx" and not program.name.startswith("demo-")
}
WEB = [name for name, program in PROGRAMS.items() if port_variables([program])]
GATEWAYS = [name for name in WEB if name.endswith("-gateway")]


def words_of(program: Program) -> tuple[dict[str, str], list[str]]:
    """A Procfile's line as its variables and its command."""
    words = shlex.split(program.command.removeprefix("env "))
    given = dict(word.split("=", 1) for word in words if re.match("[A-Z_]+=", word))
    return given, words[len(given) :]


def manner_of(environ: dict[str, str]) -> dict[str, str]:
    """How a web process is told to serve; an event loop has no use for a number of threads."""
    used = {"WORKER_CLASS"} if environ.get("WORKER_CLASS") == "asyncio" else {"WEB_THREADS"}
    return {name: value for name, value in environ.items() if name in used | {"WORKER_CLASS"}}


def owner_of(port_variable: str) -> str:
    """The name of the program that listens on the port of this variable."""
    return next(name for name in WEB if port_variables([PROGRAMS[name]]) == [port_variable])


def test_both_shapes_have_the_same_processes() -> None:
    assert processes().keys() == PROGRAMS.keys()


@pytest.mark.parametrize("name", PROGRAMS)
def test_process_is_run_alike_in_both_shapes(name: str) -> None:
    given, command = words_of(PROGRAMS[name])
    assert command_of(name) == command
    if name in WEB:
        assert manner_of(environ_of(name)) == manner_of(given)


@pytest.mark.parametrize("name", WEB)
def test_gunicorns_master_loads_all_that_its_workers_serve(name: str) -> None:
    """A package would load its application in each worker anew."""
    _given, command = words_of(PROGRAMS[name])
    found = find_spec(command[-1].partition(":")[0])
    assert found is not None
    assert found.submodule_search_locations is None


@pytest.mark.parametrize("name", GATEWAYS)
def test_gateway_has_the_settings_and_needs_of_its_hub(name: str) -> None:
    hub = name.removesuffix("-gateway")
    theirs, ours = dict(CONTAINERS[hub]), dict(CONTAINERS[name])
    assert {**environ_of(hub), "WORKER_CLASS": "asyncio"} == environ_of(name)
    for differs in ("command", "environment"):
        theirs.pop(differs, None)
        ours.pop(differs)
    assert ours == theirs


@pytest.mark.parametrize("variable", ["PROXY_URL", "PROXY_GATEWAY_URL", "ESB_RELAY_URL"])
def test_services_find_one_another_alike_in_both_shapes(variable: str, tmp_path: Path) -> None:
    installation = Stack.beside_others(tmp_path).installation
    port = int(installation.environ[variable].rpartition(":")[2])
    listener = next(name for name, number in installation.ports.items() if number == port)
    given = [environ_of(name)[variable] for name in processes() if variable in environ_of(name)]
    assert set(given) == {f"http://{owner_of(listener)}:{PORT}"}


@pytest.mark.parametrize("placeholder", SERVICE_PORTS)
def test_nginx_goes_to_the_same_process_in_both_shapes(placeholder: str) -> None:
    owner = owner_of(SERVICE_PORTS[placeholder])
    assert CONTAINERS["nginx"]["environment"][placeholder] == f"{owner}:{PORT}"
    assert "front" in CONTAINERS[owner]["networks"]


def test_nginx_knows_every_web_process() -> None:
    assert {owner_of(variable) for variable in SERVICE_PORTS.values()} == set(WEB)
    assert SERVICE_PORTS.keys() <= placeholders((ROOT / "nginx" / "nginx.conf").read_text())


def test_nginx_waits_for_what_takes_calls_and_for_the_console() -> None:
    assert CONTAINERS["nginx"]["depends_on"] == {
        name: {"condition": "service_healthy"} for name in ("proxy", "proxy-gateway")
    }


def test_connections_to_the_database_are_shared_out_among_as_many_processes() -> None:
    assert (len(WEB), len(processes()) - len(WEB)) == (
        database.HUBS + database.GATEWAYS,
        database.WORKERS,
    )


@pytest.mark.parametrize("name", WEB)
def test_process_that_serves_is_stopped_later_than_it_may_take(name: str) -> None:
    assert (
        int(CONTAINERS[name]["stop_grace_period"].removesuffix("s"))
        > gunicorn_conf.graceful_timeout
    )


@pytest.mark.parametrize("service", ["proxy", "esb-relay"])
def test_health_check_tells_a_web_process_that_serves(service: str, tmp_path: Path) -> None:
    names = [service, f"{service}-gateway"]
    procfile = tmp_path / "Procfile"
    procfile.write_text("".join(f"{name}: {PROGRAMS[name].command}\n" for name in names))
    environ = {"WEB_CONCURRENCY": "1", "DEMO": "0"}
    with (tmp_path / "output.log").open("w") as out:
        stack = Stack.beside_others(tmp_path / "var", environ, procfile=procfile, out=out)
        ports = [stack.installation.ports[port_variables([PROGRAMS[name]])[0]] for name in names]
        stack.installation.prepare(demo=False)
        try:
            stack.start()
            for name, port in zip(names, ports, strict=True):
                becomes_healthy(name, port)
        finally:
            stack.stop()


def becomes_healthy(name: str, port: int) -> None:
    deadline = time.monotonic() + 40
    while check(name, port) != 0:
        assert time.monotonic() < deadline, name
        time.sleep(0.2)


@pytest.mark.parametrize("name", WEB)
def test_health_check_tells_that_nobody_listens(name: str) -> None:
    assert check(name, unused_ports(1)[0]) != 0


def check(name: str, port: int) -> int:
    """The status of the container's health check, asked of `port`."""
    how, python, *arguments = CONTAINERS[name]["healthcheck"]["test"]
    assert (how, python) == ("CMD", "python")
    program = [argument.replace(str(PORT), str(port)) for argument in arguments]
    return subprocess.run([sys.executable, *program], capture_output=True, check=False).returncode
