"""`kiungo alerts …`: what the hub watches, and who has seen it."""

from itertools import islice
from typing import Any

import click
from click.shell_completion import CompletionItem

from kiungo_client.cli.account import current
from kiungo_client.cli.output import as_json_option, ending_with_codes, show_list
from kiungo_client.client import each
from kiungo_client.errors import KiungoError

_COLUMNS = ("created_at", "rule_name", "subject", "detail", "ended_at", "acknowledged_by", "id")
_COMPLETED = 50


@click.group()
def alerts() -> None:
    """Alerts: what is not well, and who has seen it."""


@alerts.command("list")
@click.option("--state", type=click.Choice(["open", "ended"]), help="Only these.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1), help="Most of them."
)
@as_json_option
@ending_with_codes
def list_alerts(state: str | None, limit: int, as_json: bool) -> None:
    """List alerts, the newest first."""
    with current().client() as hub:
        found = each(hub.proxy.list_alerts, state=state, limit=min(limit, 500))
        show_list(islice(found, limit), _COLUMNS, as_json)


def _open_alerts(_context: Any, _parameter: Any, incomplete: str) -> list[CompletionItem]:
    """Ids of open alerts, for a shell; nothing where the hub cannot be asked."""
    try:
        with current().client() as hub:
            known = islice(each(hub.proxy.list_alerts, state="open", limit=_COMPLETED), _COMPLETED)
            return [
                CompletionItem(one["id"], help=f"{one['rule_name']} {one['subject']}".strip())
                for one in known
                if one["id"].startswith(incomplete)
            ]
    except (KiungoError, click.exceptions.Exit, click.ClickException):
        return []


@alerts.command()
@click.argument("alert_ids", nargs=-1, required=True, shell_complete=_open_alerts)
@as_json_option
@ending_with_codes
def acknowledge(alert_ids: tuple[str, ...], as_json: bool) -> None:
    """Say that somebody sees to these alerts: they are not escalated."""
    with current().client() as hub:
        seen = [hub.proxy.acknowledge_alert(one)["data"] for one in alert_ids]
        show_list(seen, _COLUMNS, as_json)
