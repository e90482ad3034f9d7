"""What the import commands of services share: their options, and what they tell an operator."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.exc import OperationalError, ProgrammingError

from common.importing.report import Report
from common.importing.source import SourceError

database_url_option = click.option(
    "--database-url",
    required=True,
    envvar="MEDIATOR_DATABASE_URL",
    help="The mediator's: postgresql://… or sqlite:////…; also read from MEDIATOR_DATABASE_URL.",
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would happen, only.")


@contextmanager
def explained() -> Iterator[None]:
    """A database that cannot be read or written ends the command in one line, without a secret."""
    try:
        yield
    except SourceError as exc:
        raise click.ClickException(str(exc)) from exc
    except OperationalError as exc:
        raise click.ClickException(f"A database cannot be reached: {exc.orig}") from exc
    except ProgrammingError as exc:
        raise click.ClickException(f"A database is not as expected: {exc.orig}") from exc


def show(report: Report, *, is_dry_run: bool) -> None:
    """Print what was done."""
    if is_dry_run:
        click.echo("A dry run: nothing was changed.")
    for line in report.lines():
        click.echo(line)
