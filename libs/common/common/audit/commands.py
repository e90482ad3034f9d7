"""`flask --app <service> verify-audit | export-audit | purge-audit`."""

from datetime import timedelta

import click
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from common.audit.export import FORMATS
from common.audit.log import audit_log, record_act
from common.audit.retention import purge
from common.audit.verify import rows_after, verify
from common.clock import utc_now


def register_audit_commands(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (verify_audit, export_audit, purge_audit):
        app.cli.add_command(command)


def record_if_possible(act: str, object_id: str) -> None:
    """Note an act that may come before the database is there: keys are made first."""
    try:
        record_act(act, object_id)
    except SQLAlchemyError:
        click.echo(f"{act} is not in the audit log: its tables are not there yet", err=True)


@click.command("verify-audit")
@click.option("--known", help="A hash of the chain that you noted elsewhere: it must be in it.")
def verify_audit(known: str | None) -> None:
    """Walk the chain of audit events; name the first row that was changed or removed (exit 1)."""
    log = audit_log()
    with log.database.reading() as session:
        verdict = verify(session, log.tables, known)
    if verdict.problem is not None:
        raise click.ClickException(f"The audit log is broken: {verdict.problem}")
    count = verdict.last_id - verdict.first_id + 1
    click.echo(f"{count} events are whole; the last is {verdict.last_id} {verdict.last_hash}")


@click.command("export-audit")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="jsonl")
@click.option("--after", type=click.IntRange(0), default=0, help="Events after this one's id.")
def export_audit(format_: str, after: int) -> None:
    """Write events to standard output, oldest first, one a line."""
    log = audit_log()
    with log.database.reading() as session:
        for row in rows_after(session, log.tables, after):
            click.echo(FORMATS[format_](row, log.service))


@click.command("purge-audit")
@click.option("--older-than-days", type=click.IntRange(1), required=True)
def purge_audit(older_than_days: int) -> None:
    """Remove old events; a checkpoint and an event of their own say up to where."""
    removed = purge(audit_log(), utc_now() - timedelta(days=older_than_days))
    click.echo(f"{removed} audit events")
