"""Read a Procfile: one process per line, `name: command`; lines with `#` in front are comments."""

import re
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"(?P<name>[a-z][a-z0-9-]*):\s*(?P<command>\S.*)")
_APP = re.compile(r"\b(\w+)\.app:create_app\b")
_PORT = re.compile(r"\$\{?([A-Z_]+_PORT)\b")


@dataclass(frozen=True)
class Program:
    """A process to keep running: its name and its command, in the shell's words."""

    name: str
    command: str


def read_procfile(path: Path) -> list[Program]:
    """The programs of `path`, in its order. Raises ValueError for a line it cannot read."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [_program(line) for line in lines if line and not line.startswith("#")]


def _program(line: str) -> Program:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"Procfile: not `name: command`: {line}")
    return Program(match["name"], match["command"])


def flask_apps(programs: list[Program]) -> list[str]:
    """The packages whose `create_app` is served: those that have a database to migrate."""
    found = (name for program in programs for name in _APP.findall(program.command))
    return list(dict.fromkeys(found))


def port_variables(programs: list[Program]) -> list[str]:
    """The `…_PORT` variables that the commands use."""
    found = (name for program in programs for name in _PORT.findall(program.command))
    return list(dict.fromkeys(found))
