"""Keys for the bus in the embedded shape, and its simulator where no bus is configured."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ports import LOOPBACK
from procfile import Program

#: Our own pair, and the one of the simulator for the bus.
KEYS = ("client", "simulator")
SIMULATOR = "demo-govesb"


def path(var_dir: Path, name: str) -> Path:
    """Where the private key of a pair is kept; its public one is beside it."""
    return var_dir / "keys" / "esb" / f"{name}.pem"


def variables(
    var_dir: Path,
    environ: Mapping[str, str],
    ports: Mapping[str, int],
    programs: Sequence[Program],
) -> dict[str, str]:
    """What the relay is told: our key and, where `environ` names no bus, the simulator."""
    found = {"CLIENT_PRIVATE_KEY": str(path(var_dir, "client"))}
    has_simulator = any(program.name == SIMULATOR for program in programs)
    if has_simulator and not environ.get("GOVESB_ENGINE_URL"):
        url = f"http://{LOOPBACK}:{ports['DEMO_GOVESB_PORT']}"
        found |= {
            "GOVESB_ENGINE_URL": url,
            "GOVESB_TOKEN_URL": f"{url}/token",
            "GOV_ESB_PUBLIC_KEY": f"{path(var_dir, 'simulator')}.pub",
            # Known to everybody, good for nothing but the simulator on loopback.
            "ESB_CLIENT_ID": "kiungo-demo",
            "ESB_CLIENT_SECRET": "kiungo-demo",
        }
    return found
