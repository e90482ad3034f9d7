"""compose.yaml and the Dockerfile, read: what the containers run, and with which variables."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
CONTAINERS: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml"))
#: Every process of Kiungo listens here in its container, if it listens.
PORT = 8000


def is_job(container: dict[str, Any]) -> bool:
    """Whether it ends by itself."""
    return container.get("restart") == "no"


def processes() -> dict[str, dict[str, Any]]:
    """The containers of our own that run for good."""
    return {
        name: container
        for name, container in CONTAINERS.items()
        if container["image"].startswith("kiungo-") and not is_job(container)
    }


def instructions(container: str) -> list[tuple[str, str]]:
    """Those of the container's image, each as its word and the rest on one line."""
    build = CONTAINERS[container]["build"]
    assert build.keys() == {"context", "args"}  # the Dockerfile at the top, with arguments
    text = (ROOT / "Dockerfile").read_text()
    for name, value in build["args"].items():
        text = text.replace(f"${{{name}}}", value)
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    pairs = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(word, " ".join(rest.split())) for word, rest in pairs]


def command_of(name: str) -> list[str]:
    """What the container runs: its own command, else the image's with the app that it names."""
    own: list[str] | None = CONTAINERS[name].get("command")
    image = json.loads(next(value for word, value in instructions(name) if word == "CMD"))
    return own or [*image, environ_of(name)["WSGI_APP"]]


def environ_of(name: str) -> dict[str, str]:
    """The image's variables and the container's; `${NAME:-text}` is its default."""
    pairs = [value for word, value in instructions(name) if word == "ENV"]
    image = dict(pair.split("=", 1) for line in pairs for pair in line.split())
    own = {key: str(value) for key, value in CONTAINERS[name]["environment"].items()}
    return {**image, **{key: with_defaults(value) for key, value in own.items()}}


def with_defaults(text: str) -> str:
    """What stands there where no variable is set; what has to be set is blank."""
    innermost = re.compile(r"\$\{\w+(?::-([^{}]*)|:\?[^{}]*|:\+[^{}]*)?\}")
    while innermost.search(text):
        text = innermost.sub(lambda found: found[1] or "", text)
    return text
