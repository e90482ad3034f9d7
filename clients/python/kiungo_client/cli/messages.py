"""`kiungo messages …`: notification's outbox."""

from itertools import islice
from typing import Any

import click

from kiungo_client.cli.account import current
from kiungo_client.cli.output import as_json_option, ending_with_codes, show_list, show_record
from kiungo_client.client import each

_COLUMNS = ("created_at", "status", "channel", "event_code", "recipient_user_id", "id")
_STATUSES = ("FAILED", "UNKNOWN", "CANCELLED")


@click.group()
def messages() -> None:
    """Messages: SMS, e-mails and others on their way."""


@messages.command("list")
@click.option("--status", help="Only: QUEUED, SENT, DELIVERED, FAILED, UNKNOWN, …")
@click.option("--channel", help="Only: SMS, EMAIL, IN_APP, …")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1), help="Most of them."
)
@as_json_option
@ending_with_codes
def list_messages(status: Any, channel: Any, limit: int, as_json: bool) -> None:
    """List the outbox, the newest first."""
    with current().client() as hub:
        query = {"status": status, "channel": channel, "limit": min(limit, 500)}
        found = islice(each(hub.notification.list_messages, **query), limit)
        show_list(found, _COLUMNS, as_json)


@messages.command()
@click.argument("outbox_id", required=False)
@click.option("--status", type=click.Choice(_STATUSES), help="All of this status.")
@click.option("--channel", help="Of them: SMS, EMAIL, …")
@click.option("--event-code", help="Of them: of this event.")
@click.option("--user-id", help="Of them: for this person.")
@as_json_option
@ending_with_codes
def requeue(outbox_id: str | None, as_json: bool, **options: Any) -> None:
    """Queue a message anew, or all of a filter. What was UNKNOWN may then arrive twice."""
    wanted = {name: value for name, value in options.items() if value is not None}
    if bool(outbox_id) is bool(wanted):
        raise click.UsageError("Give an id, or a filter")
    with current().client() as hub:
        if outbox_id:
            show_record(hub.notification.requeue_message(outbox_id)["data"], as_json)
        else:
            show_record(hub.notification.requeue_messages(wanted), as_json)
