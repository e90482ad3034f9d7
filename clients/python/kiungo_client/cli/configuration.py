"""`kiungo export` and `kiungo apply`: the hub's configuration as one document without secrets."""

import json
from collections.abc import Collection
from typing import Any, TextIO

import click

from kiungo_client.cli.account import current
from kiungo_client.cli.output import (
    as_json_option,
    ending_with_codes,
    show_json,
    show_list,
)

_VERSION = "kiungo_metadata"
_COLUMNS = ("kind", "name", "outcome", "changes")


@click.command()
@click.option(
    "--out", type=click.File("w", lazy=True), default="-", help="Default: standard output."
)
@ending_with_codes
def export(out: TextIO) -> None:
    """Write the whole configuration: mediators, channels, clients, registrations, staff."""
    write_document(out)


@click.command()
@click.argument("file", type=click.File())
@click.option("--dry-run", is_flag=True, help="Say what would change, only.")
@as_json_option
@ending_with_codes
def apply(file: TextIO, dry_run: bool, as_json: bool) -> None:
    """Let the hub be configured as FILE says, as `export` wrote it (-: standard input)."""
    apply_document(file, dry_run, as_json)


def write_document(out: TextIO, kinds: Collection[str] | None = None) -> None:
    """The configuration, or these lists of it."""
    with current().client() as hub:
        whole = hub.proxy.metadata_get()
    chosen = {
        name: value for name, value in whole.items() if kinds is None or name in (_VERSION, *kinds)
    }
    out.write(json.dumps(chosen, indent=2, ensure_ascii=False) + "\n")


def apply_document(
    file: TextIO, dry_run: bool, as_json: bool, kinds: Collection[str] | None = None
) -> None:
    """Apply a document, which may hold these lists only, and show what became of each record."""
    document = _read(file)
    foreign = sorted(set(document) - {_VERSION, *(document if kinds is None else kinds)})
    if foreign:
        raise click.UsageError(f"The document holds more: {', '.join(foreign)}; see kiungo apply")
    with current().client() as hub:
        found = hub.proxy.metadata_post(document, dry_run=dry_run)
    if as_json:
        show_json(found)
        return
    shown = [
        {**one, "changes": ", ".join(change["field"] for change in one["changes"])}
        for one in found["data"]
        if one["outcome"] != "unchanged"
    ]
    show_list(shown, _COLUMNS, as_json=False)
    click.echo("Applied" if found["applied"] else "Nothing was applied", err=True)


def _read(file: TextIO) -> dict[str, Any]:
    try:
        document = json.load(file)
    except ValueError as exc:
        raise click.UsageError("The file is not JSON") from exc
    if not isinstance(document, dict):
        raise click.UsageError("The file holds no JSON object")
    return document
