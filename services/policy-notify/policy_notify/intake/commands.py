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
    """One line for each: key, event's id and type, size, how often it was sent again."""
    try:
        for one in dead_letters(container().settings).all():
            said = f"{one.key}\t{one.event_id}\t{one.type}\t{one.size_bytes} bytes"
            click.echo(f"{said}\tsent again {one.replayed} times" if one.replayed else said)
    except DomainError as exc:
        raise click.ClickException(str(exc)) from exc


def _which(key: str | None, is_all: bool) -> str | None:
    if (key is None) is not is_all:
        raise click.UsageError("name one KEY, or --all")
    return key


@letters.command("replay")
@click.argument("key", required=False)
@click.option("--all", "is_all", is_flag=True)
@click.option("--include-repeated", is_flag=True, help="With those that came back already.")
def replay(key: str | None, is_all: bool, include_repeated: bool) -> None:
    """Send the letter KEY again, or all that were not sent again already."""
    letters_of_ours = dead_letters(container().settings)
    try:
        done = letters_of_ours.replay(_which(key, is_all), include_repeated=include_repeated)
    except DomainError as exc:
        raise click.ClickException(str(exc)) from exc
    click.echo(f"{done.count} sent again")
    if done.left_out:
        click.echo(f"{done.left_out} left out: they were sent again already, and came back")


@letters.command("drop")
@click.argument("key", required=False)
@click.option("--all", "is_all", is_flag=True)
def drop(key: str | None, is_all: bool) -> None:
    """Forget the letter KEY, or all of them."""
    try:
        click.echo(f"{dead_letters(container().settings).drop(_which(key, is_all)).count} dropped")
    except DomainError as exc:
        raise click.ClickException(str(exc)) from exc
