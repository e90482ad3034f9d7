"""`kiungo channels …`: which calls go where."""

import uuid
from typing import Any, TextIO

import click

from kiungo_client.cli.account import current
from kiungo_client.cli.configuration import apply_document, write_document
from kiungo_client.cli.output import as_json_option, ending_with_codes, show_list, show_record
from kiungo_client.client import Kiungo, each

_KINDS = ("mediators", "channels")


@click.group()
def channels() -> None:
    """Channels: which calls go where."""


@channels.command("list")
@as_json_option
@ending_with_codes
def list_channels(as_json: bool) -> None:
    """List all channels, the newest first."""
    with current().client() as hub:
        columns = ("name", "path_pattern", "methods", "is_active", "id")
        show_list(each(hub.proxy.channels_get), columns, as_json)


@channels.command()
@click.argument("channel")
@as_json_option
@ending_with_codes
def show(channel: str, as_json: bool) -> None:
    """Show a channel by its name or id."""
    with current().client() as hub:
        show_record(_found(hub, channel), as_json)


@channels.command()
@click.option(
    "--out", type=click.File("w", lazy=True), default="-", help="Default: standard output."
)
@ending_with_codes
def export(out: TextIO) -> None:
    """Write channels, with the mediators that they lead to, as one document."""
    write_document(out, _KINDS)


@channels.command()
@click.argument("file", type=click.File())
@click.option("--dry-run", is_flag=True, help="Say what would change, only.")
@as_json_option
@ending_with_codes
def apply(file: TextIO, dry_run: bool, as_json: bool) -> None:
    """Let channels and mediators be as FILE says (-: standard input)."""
    apply_document(file, dry_run, as_json, _KINDS)


def _found(hub: Kiungo, channel: str) -> dict[str, Any]:
    try:
        wanted = str(uuid.UUID(channel))
    except ValueError:
        for one in each(hub.proxy.channels_get):
            if one["name"] == channel:
                return one
        raise click.UsageError(f"No channel is called {channel}") from None
    found: dict[str, Any] = hub.proxy.one_channel_get(wanted)["data"]
    return found
