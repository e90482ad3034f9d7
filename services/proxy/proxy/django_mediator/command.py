"""`flask --app proxy import-django-mediator`: everything of the mediator that is the proxy's."""

from datetime import timedelta

import click
from common.clock import utc_now
from common.importing.bring import Target, bring_records, bring_rows
from common.importing.command import database_url_option, dry_run_option, explained, show
from common.importing.report import Report
from common.importing.source import Source, SourceError

from proxy.access.scopes import SCOPES
from proxy.container import Container, container
from proxy.django_mediator import registry
from proxy.django_mediator.clients import clients
from proxy.django_mediator.staff import staff
from proxy.django_mediator.tables import CLIENTS
from proxy.django_mediator.transactions import Names, transactions
from proxy.models import FormerRecord


@click.command("import-django-mediator")
@database_url_option
@dry_run_option
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(sorted(SCOPES)),
    help="What every client that comes over may do besides calling channels.",
)
@click.option(
    "--transactions-days",
    type=click.IntRange(0),
    help="Calls of so many days; TRANSACTION_RETENTION_DAYS by default.",
)
def import_django_mediator(
    database_url: str, dry_run: bool, scopes: tuple[str, ...], transactions_days: int | None
) -> None:
    """Take over the Django mediator's clients, mediators, channels, registrations, staff, calls.

    May be repeated, and goes on where it was killed. Prints counts, and what could not come over.
    """
    process = container()
    days = transactions_days
    if days is None:
        days = process.settings.transaction_retention_days
    with explained(), Source(database_url) as source:
        report = bring_all(source, process, scopes, timedelta(days=days), is_dry_run=dry_run)
    show(report, is_dry_run=dry_run)


def bring_all(
    source: Source,
    process: Container,
    scopes: tuple[str, ...],
    kept: timedelta,
    *,
    is_dry_run: bool = False,
) -> Report:
    """Let everything come over. Raises SourceError, SQLAlchemyError when a database goes away."""
    if not source.has(CLIENTS):
        raise SourceError("This is not the mediator's database: it has no table mediator_client")
    report = Report()
    target = Target(process.database, FormerRecord, is_dry_run=is_dry_run)
    with target.settings():
        for records in (
            clients(scopes, is_dry_run=is_dry_run),
            registry.mediators(process.sealer),
            registry.channels(target),
            registry.registrations(target),
            staff(),
        ):
            bring_records(records, source, target, report)
    max_chars = process.settings.stored_body_max_chars
    calls = transactions(Names(source), process.sealer, utc_now(), kept, max_chars)
    bring_rows(calls, source, target, report)
    return report
