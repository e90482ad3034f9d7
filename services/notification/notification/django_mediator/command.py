"""`flask --app notification import-django-mediator`: the mediator's notification tables."""

import click
from common.audit.log import record_job
from common.importing.bring import Target, bring_records, bring_rows
from common.importing.command import database_url_option, dry_run_option, explained, show
from common.importing.report import Report
from common.importing.source import Source, SourceError

from notification.container import Container, container
from notification.django_mediator import catalogue, messages, tables
from notification.django_mediator.codes import Codes
from notification.models import FormerRecord


@click.command("import-django-mediator")
@database_url_option
@dry_run_option
@click.option(
    "--without-outbox",
    is_flag=True,
    help="Leave waiting messages where they are: the mediator still sends them.",
)
def import_django_mediator(database_url: str, dry_run: bool, without_outbox: bool) -> None:
    """Take over the Django mediator's lookups, events, templates, rules, preferences, messages.

    May be repeated, and goes on where it was killed. Prints counts, and what could not come over.
    """
    process = container()
    with explained(), Source(database_url) as source:
        report = bring_all(source, process, is_dry_run=dry_run, with_outbox=not without_outbox)
    if not dry_run:
        record_job("import.made", "import-django-mediator")
    if not (dry_run or without_outbox):
        process.wake_up.send()
    show(report, is_dry_run=dry_run)


def bring_all(
    source: Source, process: Container, *, is_dry_run: bool = False, with_outbox: bool = True
) -> Report:
    """Let everything come over. Raises SourceError, SQLAlchemyError when a database goes away."""
    if not source.has(tables.EVENTS):
        raise SourceError(
            "This is not the mediator's database: it has no table notification_event_catalog"
        )
    report, codes = Report(), Codes(source)
    target = Target(process.database, FormerRecord, is_dry_run=is_dry_run)
    with target.settings():
        for records in (
            *catalogue.vocabularies(),
            catalogue.events(codes),
            catalogue.templates(codes),
            catalogue.rules(source, codes),
            catalogue.preferences(codes),
        ):
            bring_records(records, source, target, report)
        with target.reading() as session:
            references = messages.References(session, codes, process.settings.phone_region)
    if with_outbox:
        bring_rows(messages.outbox(references), source, target, report)
        messages.withdraw_ended(source, target, references, report)
        bring_rows(messages.delivery_logs(references), source, target, report)
    bring_rows(messages.inbox(source, references), source, target, report)
    return report
