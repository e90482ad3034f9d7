"""`flask --app proxy import-openhim`: everything of an OpenHIM that is the proxy's."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
from common.clock import utc_now
from common.importing.command import dry_run_option, explained
from common.importing.source import SourceError

from proxy.container import container
from proxy.openhim.documents import Export
from proxy.openhim.importing import Outcome, import_all
from proxy.openhim.remote import RemoteOpenHim
from proxy.openhim.transactions import Names, bring_transactions

MAX_BYTES = 64 * 1024 * 1024
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import-openhim")
@click.argument("file", type=_FILE, required=False)
@click.option("--url", help="Instead of FILE: the API of an OpenHIM that runs, https://….")
@click.option("--user", help="Who asks there; the password is read from OPENHIM_PASSWORD.")
@click.option("--password", envvar="OPENHIM_PASSWORD", hidden=True, default="")
@click.option("--ca", type=_FILE, help="PEM file: who signed its certificate.")
@click.option(
    "--transactions-since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="With --url: its calls from this day on (UTC), too.",
)
@dry_run_option
@click.option("--account", default="", help="The machine account that its mediators register by.")
def import_openhim(
    file: Path | None,
    url: str | None,
    user: str | None,
    password: str,
    ca: Path | None,
    transactions_since: datetime | None,
    dry_run: bool,
    account: str,
) -> None:
    """Take over OpenHIM's mediators, channels, clients and users from FILE, an export of it.

    With --url and --transactions-since also the calls on its record, those that have ended.

    May be repeated. Prints counts, and of each record what is otherwise here or does not come over.
    """
    if (file is None) == (url is None):
        raise click.UsageError("Give a FILE, or --url")
    if url is not None and not (user and password):
        raise click.UsageError("--url needs --user, and the password in OPENHIM_PASSWORD")
    if transactions_since is not None and url is None:
        raise click.UsageError("--transactions-since needs --url")
    with explained():
        if file is not None:
            outcome = import_all(
                container(), read_export(file), account=account, is_dry_run=dry_run
            )
        else:
            remote = RemoteOpenHim(url or "", user or "", password, str(ca) if ca else None)
            with closing(remote):
                outcome = _of_running(remote, transactions_since, account, is_dry_run=dry_run)
    if dry_run:
        click.echo("A dry run: nothing was changed.")
    for line in outcome.lines():
        click.echo(line)


def _of_running(
    remote: RemoteOpenHim, since: datetime | None, account: str, *, is_dry_run: bool
) -> Outcome:
    export, process, now = remote.export(), container(), utc_now()
    outcome = import_all(process, export, account=account, is_dry_run=is_dry_run)
    if since is not None:
        pages = remote.transactions(since.replace(tzinfo=UTC), now)
        bring_transactions(
            process, pages, Names.of(export), outcome.report, now, is_dry_run=is_dry_run
        )
    return outcome


def read_export(file: Path) -> Export:
    """The export in a file. Raises SourceError."""
    if file.stat().st_size > MAX_BYTES:
        raise SourceError(f"The file is larger than {MAX_BYTES} bytes")
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as exc:
        raise SourceError("The file is not JSON") from exc
    return Export.of(found)
