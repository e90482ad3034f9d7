"""The ports of the embedded shape: every process listens on loopback, on a port one can change."""

import socket
from collections.abc import Iterable, Mapping
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"

#: The variable that changes a port, and the port without it.
DEFAULT_PORTS = {
    "NGINX_PORT": 8080,
    "NGINX_TLS_PORT": 8443,
    "PROXY_PORT": 8081,
    "ESB_RELAY_PORT": 8082,
    "NOTIFICATION_PORT": 8083,
    "POLICY_NOTIFY_PORT": 8084,
    "PROXY_GATEWAY_PORT": 8085,
    "ESB_RELAY_GATEWAY_PORT": 8086,
    "DEMO_MEDIATOR_PORT": 8090,
    "DEMO_GOVESB_PORT": 8091,
    "DEMO_MAIL_PORT": 8092,
}


#: How far apart the blocks are in which `PORTS=auto` looks, and how many there are.
BLOCK = 100
BLOCKS = 100


def chosen_ports(environ: Mapping[str, str]) -> dict[str, int]:
    """All ports by their variables; with `PORTS=auto` those of the first block that is free.

    Raises ValueError with the name of a bad one.
    """
    wanted = environ.get("PORTS", "")
    if wanted not in {"", "auto"}:
        raise ValueError("PORTS can only be auto")
    for offset in range(0, BLOCK * BLOCKS if wanted else BLOCK, BLOCK):
        ports = _block(environ, offset)
        if not wanted or not taken_ports(ports, ports):
            return ports
    raise ValueError("PORTS=auto finds no free block of ports")


def _block(environ: Mapping[str, str], offset: int) -> dict[str, int]:
    """The ports that are given, the others `offset` above the usual ones."""
    return {
        variable: _port(variable, environ.get(variable) or str(default + offset))
        for variable, default in DEFAULT_PORTS.items()
    }


def openhim_port(environ: Mapping[str, str]) -> int | None:
    """The port at whose root OpenHIM's protocol is spoken; None: none. Raises ValueError."""
    text = environ.get("OPENHIM_API_PORT", "").strip()
    return _port("OPENHIM_API_PORT", text) if text else None


def _port(variable: str, text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ValueError(f"{variable} must be a port between 1 and 65535")
    return int(text)


def taken_ports(ports: Mapping[str, int], variables: Iterable[str]) -> dict[str, str]:
    """Those of `variables` whose port cannot be listened on, each with the reason."""
    taken = {}
    # All stay open until the end, so that two variables with one port are found out as well.
    with ExitStack() as opened:
        for variable in variables:
            listener = opened.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((LOOPBACK, ports[variable]))
                listener.listen()
            except OSError as exc:
                taken[variable] = f"port {ports[variable]} cannot be used ({exc.strerror})"
    return taken


def free_ports() -> dict[str, str]:
    """A free port for every variable, for installations beside the usual one (tests)."""
    numbers = map(str, unused_ports(len(DEFAULT_PORTS)))
    return dict(zip(DEFAULT_PORTS, numbers, strict=True))


def unused_ports(count: int) -> list[int]:
    """`count` different ports that nobody listens on now."""
    with ExitStack() as opened:
        listeners = [opened.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind((LOOPBACK, 0))
        return [listener.getsockname()[1] for listener in listeners]
