"""Fill in the placeholders of `nginx/nginx.conf`; nginx's own `$variables` stay as they are."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

EDGE = Path(__file__).parent.parent / "nginx" / "edge.sh"

_PLACEHOLDER = re.compile(r"\$\{(KIUNGO_[A-Z_]+)\}")


def placeholders(template: str) -> set[str]:
    """The names that `template` wants a value for."""
    uncommented = re.sub(r"^\s*#.*$", "", template, flags=re.MULTILINE)
    return set(_PLACEHOLDER.findall(uncommented))


def render(template: str, values: Mapping[str, str]) -> str:
    """`template` with every placeholder replaced. Raises KeyError for one without a value."""
    missing = placeholders(template) - values.keys()
    if missing:
        raise KeyError(f"nginx.conf: no value for {', '.join(sorted(missing))}")
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)


def write_edge(values: Mapping[str, str]) -> None:
    """Run `nginx/edge.sh` with `values`. Raises ValueError with its words."""
    environ = {"PATH": os.environ.get("PATH", os.defpath), **values}
    done = subprocess.run(["sh", str(EDGE)], env=environ, capture_output=True, text=True)
    if done.returncode != 0:
        raise ValueError(done.stderr.strip())
