"""`flask --app policy_notify dead-letters …`: events that could not be handled."""

import click
from common.errors import DomainError

from policy_notify.container import container
from policy_notify.intake.dead_letters import dead_letters


@click.group("dead-letters")
def letters() -> None:
    """Look at events that could not be handled, send them again, drop them."""


@letters.command("list")
def list_letters() -> None:
    """One line for each: its key, its event's id and type, its size."""
    try:
        for one in dead_letters(container().settings).all():
            click.echo(f"{one.key}\t{one.event_id}\t{one.type}\t{one.size_bytes} bytes")
    except DomainError as exc:
        raise click.ClickException(str(exc)) from exc


def _which(key: str | None, is_all: bool) -> str | None:
    if (key is None) is not is_all:
        raise click.UsageError("name one KEY, or --all")
    return key


@letters.command("replay")
@click.argument("key", required=False)
@click.option("--all", "is_all", is_flag=True)
def replay(key: str | None, is_all: bool) -> None:
    """Send the letter KEY again, or all of them."""
    try:
        click.echo(f"{dead_letters(container().settings).replay(_which(key, is_all))} sent again")
    except DomainError as exc:
        raise click.ClickException(str(exc)) from exc


@letters.command("drop")
@click.argument("key", required=False)
@click.option("--all", "is_all", is_flag=True)
def drop(key: str | None, is_all: bool) -> None:
    """Forget the letter KEY, or all of them."""
    try:
        click.echo(f"{dead_letters(container().settings).drop(_which(key, is_all))} dropped")
    except DomainError as exc:
        raise click.ClickException(str(exc)) from exc
