"""`kiungo calls …` and `kiungo rerun`: the record, as it grows, and calls made again."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import click

from kiungo_client.cli.account import current
from kiungo_client.cli.output import (
    ANSWERED_WITH_ERROR,
    as_json_option,
    ending_with_codes,
    plain,
    show_json,
    show_list,
    show_record,
)
from kiungo_client.client import Kiungo, each

_COLUMNS = (
    "started_at",
    "status",
    "response_status_code",
    "request_method",
    "request_url",
    "channel",
    "client",
    "correlation_id",
)
_FILTERS = (
    ("status", "pending, processing, successful, completed, completed with errors, failed"),
    ("channel", "the channel's name"),
    ("client", "the client's id"),
    ("method", "GET, POST, …"),
    ("path", "how the path begins"),
    ("response-status", "404, or a class: 5xx"),
    ("since", "started then or later, as 2026-11-29T10:00:00Z"),
    ("until", "started before then"),
    ("q", "a text in the URL or the error"),
)
#: The newest so many calls are looked at each time, for those that were not shown yet.
_PAGE, _PAUSE_S = 500, 1.0


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for name, words in reversed(_FILTERS):
        command = click.option(f"--{name}", help=f"Only: {words}.")(command)
    return command


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


@click.group()
def calls() -> None:
    """Calls: what was asked of the hub, and what became of it."""


@calls.command("list")
@_filters
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="Most calls.")
@as_json_option
@ending_with_codes
def list_calls(limit: int, as_json: bool, **options: Any) -> None:
    """List calls, the newest first."""
    with current().client() as hub:
        query = {"limit": min(limit, _PAGE), **_given(options)}
        found = islice(each(hub.proxy.list_transactions, **query), limit)
        show_list(found, _COLUMNS, as_json)


@calls.command()
@click.argument("correlation_id", type=click.UUID)
@click.option("--reason", help="Why it is read: some channels ask.")
@as_json_option
@ending_with_codes
def show(correlation_id: Any, reason: str | None, as_json: bool) -> None:
    """Show a call with everything that is on record."""
    with current().client() as hub:
        found = hub.proxy.read_transaction(str(correlation_id), x_reason=reason)
        show_record(found["data"], as_json)


@calls.command()
@_filters
@click.option("--count", type=click.IntRange(1), help="End after so many calls.")
@as_json_option
@ending_with_codes
def tail(count: int | None, as_json: bool, **options: Any) -> None:
    """Show calls as they end, until interrupted; with --json one line each."""
    with current().client() as hub:
        for call in islice(_ended(hub, _given(options)), count):
            if as_json:
                click.echo(json.dumps(call, ensure_ascii=False))
            else:
                click.echo("  ".join(plain(call.get(name)) for name in _COLUMNS))


def _ended(hub: Kiungo, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each call once that ended after now, the oldest first."""
    seen = {one["correlation_id"] for one in _newest(hub, query) if _is_over(one)}
    while True:
        page = _newest(hub, query)
        for one in reversed(page):
            if _is_over(one) and one["correlation_id"] not in seen:
                yield one
        seen |= {one["correlation_id"] for one in page if _is_over(one)}
        time.sleep(_PAUSE_S)


def _newest(hub: Kiungo, query: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = hub.proxy.list_transactions(**query, limit=_PAGE)["data"]
    return found


def _is_over(call: Mapping[str, Any]) -> bool:
    return call["completed_at"] is not None


@click.command()
@click.argument("correlation_ids", nargs=-1, type=click.UUID)
@_filters
@click.option("--include-repeated", is_flag=True, help="Those that were repeated already, too.")
@click.option("--wait", is_flag=True, help="Wait until all have ended; 1 if some failed again.")
@as_json_option
@ending_with_codes
def rerun(
    correlation_ids: tuple[Any, ...],
    include_repeated: bool,
    wait: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Make calls again: those named, or those of a filter. Many are a task of the worker."""
    wanted = _given(options)
    if bool(correlation_ids) is bool(wanted):
        raise click.UsageError("Give ids, or a filter")
    order: dict[str, Any] = {"include_repeated": include_repeated}
    order |= (
        {"ids": [str(one) for one in correlation_ids]} if correlation_ids else {"filter": wanted}
    )
    with current().client() as hub:
        task = hub.proxy.tasks_post(order)["data"]
        while wait and task["finished_at"] is None:
            time.sleep(_PAUSE_S)
            task = hub.proxy.read_task(task["id"])["data"]
    show_json(task) if as_json else show_record(_counts(task), as_json=False)
    if wait and (task["failed"] or task["unknown"]):
        raise click.exceptions.Exit(ANSWERED_WITH_ERROR)


def _counts(task: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "status", "total", "waiting", "in_hand", "done", "failed", "unknown", "left_out")
    return {name: task[name] for name in names}
