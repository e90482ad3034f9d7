"""`flask --app policy_notify sync openimis`: the read model from openIMIS's own database."""

import threading
from datetime import datetime

import click
from common.jobs.worker import stop_on_signals

from policy_notify.container import container
from policy_notify.errors import BadSource, SourceAway, SourceError
from policy_notify.intake.reading import reading_of
from policy_notify.openimis.connection import open_source
from policy_notify.openimis.sync import Counts, Sync
from policy_notify.openimis.watch import LOOK_EVERY_S, Watcher


@click.group("sync")
def sync() -> None:
    """Bring the read model up to date from another system's database."""


@sync.command("openimis")
@click.option(
    "--database-url",
    envvar="OPENIMIS_DATABASE_URL",
    required=True,
    help="postgresql://… or mssql://…; better as the variable OPENIMIS_DATABASE_URL.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Only what has changed from then on, in the scheme's time.",
)
@click.option("--dry-run", is_flag=True, help="Count what would change; keep nothing.")
@click.option("--watch", is_flag=True, help="Go on until SIGTERM, as a worker does.")
def openimis(database_url: str, since: datetime | None, dry_run: bool, watch: bool) -> None:
    """Read openIMIS: places, officers, products, families, people, policies, consents, and what
    was sent. An interrupted pass goes on where it stopped."""
    settings, stopping = container().settings, stop_on_signals()
    if watch:
        if since or dry_run:
            raise click.UsageError("--watch goes with neither --since nor --dry-run")
        _watch(database_url, stopping)
        return
    moment = since and since.replace(tzinfo=settings.scheme_timezone)
    try:
        engine = open_source(database_url)
        reader = Sync(engine, container().database, reading_of(settings), is_dry=dry_run)
        counted = reader.run(moment, is_stopping=stopping.is_set, progress=_show)
    except SourceError as exc:
        raise click.ClickException(str(exc)) from exc
    if counted is None:
        raise click.ClickException("Stopped; the next call goes on from here")
    for counts in counted:
        click.echo(line(counts))
    if dry_run:
        click.echo("Nothing was kept.")


def _watch(database_url: str, stopping: threading.Event) -> None:
    """Do what is due, look again, until `stopping`; openIMIS's database may be away meanwhile."""
    watcher = Watcher(container(), database_url, stopping.is_set, _show)
    while not stopping.is_set():
        try:
            for counts in watcher.step() or ():
                click.echo(line(counts))
        except BadSource as exc:
            raise click.ClickException(str(exc)) from exc
        except SourceAway as exc:
            click.echo(f"{exc}; it is asked again", err=True)
        stopping.wait(LOOK_EVERY_S)


def _show(counts: Counts) -> None:
    click.echo(f"{counts.kind}: {counts.read} read", err=True)


def line(counts: Counts) -> str:
    """What came of a kind, on one line; the reasons of rejections with their numbers."""
    if counts.is_absent:
        return f"{counts.kind}: openIMIS has no such table"
    reasons = "; ".join(f"{why}: {count}" for why, count in counts.rejected.most_common())
    missing = "" if counts.missing is None else f", {counts.missing} missing"
    return (
        f"{counts.kind}: {counts.read} read, {counts.changed} changed, "
        f"{counts.rejected.total()} rejected{f' ({reasons})' if reasons else ''}, "
        f"{counts.waiting} waiting{missing}"
    )
