"""`flask --app proxy import-openhim`: everything of an OpenHIM that is the proxy's."""

import json
from pathlib import Path

import click
from common.importing.command import dry_run_option, explained
from common.importing.source import SourceError

from proxy.container import container
from proxy.openhim.documents import Export
from proxy.openhim.importing import import_all
from proxy.openhim.remote import RemoteOpenHim

MAX_BYTES = 64 * 1024 * 1024
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import-openhim")
@click.argument("file", type=_FILE, required=False)
@click.option("--url", help="Instead of FILE: the API of an OpenHIM that runs, https://….")
@click.option("--user", help="Who asks there; the password is read from OPENHIM_PASSWORD.")
@click.option("--password", envvar="OPENHIM_PASSWORD", hidden=True, default="")
@click.option("--ca", type=_FILE, help="PEM file: who signed its certificate.")
@dry_run_option
@click.option("--account", default="", help="The machine account that its mediators register by.")
def import_openhim(
    file: Path | None,
    url: str | None,
    user: str | None,
    password: str,
    ca: Path | None,
    dry_run: bool,
    account: str,
) -> None:
    """Take over OpenHIM's mediators, channels, clients and users from FILE, an export of it.

    May be repeated. Prints counts, and of each record what is otherwise here or does not come over.
    """
    if (file is None) == (url is None):
        raise click.UsageError("Give a FILE, or --url")
    if url is not None and not (user and password):
        raise click.UsageError("--url needs --user, and the password in OPENHIM_PASSWORD")
    with explained():
        if file is not None:
            export = read_export(file)
        else:
            found = RemoteOpenHim(url or "", user or "", password, str(ca) if ca else None)
            export = found.export()
        outcome = import_all(container(), export, account=account, is_dry_run=dry_run)
    if dry_run:
        click.echo("A dry run: nothing was changed.")
    for line in outcome.lines():
        click.echo(line)


def read_export(file: Path) -> Export:
    """The export in a file. Raises SourceError."""
    if file.stat().st_size > MAX_BYTES:
        raise SourceError(f"The file is larger than {MAX_BYTES} bytes")
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as exc:
        raise SourceError("The file is not JSON") from exc
    return Export.of(found)
