"""Where the services of an installation listen, and who is told so."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from common.outbound import USUALLY_DENIED
from ports import LOOPBACK
from procfile import Program, port_variables

#: Which port a placeholder of nginx.conf stands for.
SERVICE_PORTS = {
    "KIUNGO_PROXY": "PROXY_PORT",
    "KIUNGO_PROXY_GATEWAY": "PROXY_GATEWAY_PORT",
    "KIUNGO_ESB_RELAY": "ESB_RELAY_PORT",
    "KIUNGO_ESB_RELAY_GATEWAY": "ESB_RELAY_GATEWAY_PORT",
    "KIUNGO_NOTIFICATION": "NOTIFICATION_PORT",
    "KIUNGO_POLICY_NOTIFY": "POLICY_NOTIFY_PORT",
}


def variables(
    var_dir: Path, ports: Mapping[str, int], programs: Sequence[Program]
) -> dict[str, str]:
    """Where the services find one another; which processes the proxy's worker looks at; and that
    no mediator is at an address of ours."""
    at = {name: f"{LOOPBACK}:{ports[name]}" for name in set(SERVICE_PORTS.values())}
    return {
        "PROXY_URL": f"http://{at['PROXY_PORT']}",
        "PROXY_GATEWAY_URL": f"http://{at['PROXY_GATEWAY_PORT']}",
        "ESB_RELAY_URL": f"http://{at['ESB_RELAY_GATEWAY_PORT']}",
        "WATCHED_SERVICES": ", ".join(_watched(var_dir, ports, programs)),
        "OUTBOUND_DENY": ", ".join([USUALLY_DENIED, *at.values()]),
    }


def _watched(var_dir: Path, ports: Mapping[str, int], programs: Sequence[Program]) -> Iterator[str]:
    for program in programs:
        name = program.name
        if name.startswith("demo-") or name == "nginx":
            continue
        if name.endswith("-worker"):
            yield f"{name}=file:{var_dir}/run/{name}-heartbeat"
        elif used := port_variables([program]):
            yield f"{name}=http://{LOOPBACK}:{ports[next(iter(used))]}"
