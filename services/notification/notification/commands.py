"""`flask --app notification …`: what operators and containers run."""

import click
from common.audit.log import note_act
from common.clock import utc_now

from notification.catalogue import first_data
from notification.container import container
from notification.retention import keep_bounded


@click.command("seed-lookups")
def seed_lookups() -> None:
    """Add the codes that every installation begins with, where they are missing."""
    with container().database.writing() as session:
        added = first_data.seed(session.connection())
        if added:
            note_act(session, "lookups.created", after={"count": added})
    click.echo(f"{added} records added")


@click.command("seed-demo")
def seed_demo() -> None:
    """Add the demonstration's event, rule and templates, unless they are there."""
    from notification.demo import examples  # not part of the image
    from notification.demo import seed as demo_data

    with container().database.writing() as session:
        added = demo_data.seed(session)
        session.flush()
        examples.seed(session, utc_now())
    click.echo(f"{demo_data.EVENT} {'added' if added else 'is there already'}")


@click.command("purge")
def purge() -> None:
    """Forget recipients and words of messages, and consumed events, that outlived their time."""
    removed = keep_bounded(container().database, container().settings)
    click.echo(", ".join(f"{count} {kind}" for kind, count in removed.items()))
