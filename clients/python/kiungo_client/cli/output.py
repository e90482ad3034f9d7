"""What commands print: tables for people, JSON for programs; and how errors end a command."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import click

from kiungo_client.errors import NotSent, OutcomeUnknown, ProblemError

Command = TypeVar("Command", bound=Callable[..., Any])

#: Exit codes: 2 is click's own, for a command line that cannot be understood.
ANSWERED_WITH_ERROR, NOT_SENT, UNKNOWN, NOT_ALLOWED = 1, 3, 4, 5
_WIDEST = 60


def as_json_option(command: Command) -> Command:
    """`--json`: one JSON document, or one line of it per record where there is no end."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def ending_with_codes(command: Command) -> Command:
    """Errors become a line on standard error and an exit code."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        with _codes():
            return command(*args, **kwargs)

    return run  # type: ignore[return-value]


@contextmanager
def _codes() -> Iterator[None]:
    try:
        yield
    except ProblemError as exc:
        _fail(_words(exc), NOT_ALLOWED if exc.status in (401, 403) else ANSWERED_WITH_ERROR)
    except NotSent as exc:
        _fail(f"Not sent. {exc}", NOT_SENT)
    except OutcomeUnknown as exc:
        key = f" Idempotency key: {exc.idempotency_key}" if exc.idempotency_key else ""
        _fail(f"Outcome unknown. {exc}.{key}", UNKNOWN)


def _words(problem: ProblemError) -> str:
    lines = [f"Error {problem.status}: {problem.detail or problem.title}"]
    lines += [f"  {name}: {plain(why)}" for name, why in problem.errors.items()]
    if problem.correlation_id:
        lines.append(f"  correlation id: {problem.correlation_id}")
    return "\n".join(lines)


def _fail(words: str, code: int) -> None:
    click.echo(words, err=True)
    raise click.exceptions.Exit(code)


def show_json(document: Any) -> None:
    """One document."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def show_list(records: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Records as a table of these members, or whole as JSON."""
    found = list(records)
    if as_json:
        show_json(found)
        return
    rows = [[_cell(one.get(name)) for name in columns] for one in found]
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for cells in [[name.upper() for name in columns], *rows]:
        click.echo("  ".join(map(str.ljust, cells, widths)).rstrip())


def show_record(record: Mapping[str, Any], as_json: bool) -> None:
    """A record, a member per line."""
    if as_json:
        show_json(record)
        return
    width = max(map(len, record), default=0)
    for name, value in record.items():
        click.echo(f"{name.ljust(width)}  {plain(value)}")


def plain(value: Any) -> str:
    """A value on a terminal: nothing in it moves the cursor."""
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    text = "" if value is None else str(value)
    return "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text)


def _cell(value: Any) -> str:
    text = plain(value).replace("\n", " ").replace("\t", " ")
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
