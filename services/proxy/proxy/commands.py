"""`flask --app proxy …`: what operators and containers run."""

from pathlib import Path
from typing import Any

import click
from common.audit.commands import record_if_possible
from common.audit.log import record_act
from common.clock import utc_now
from common.console.staff import StaffRole
from common.settings import SettingError, process_environment
from sqlalchemy import select

from proxy.access import clients
from proxy.access.clients import create_client, issue_secret
from proxy.access.passwords import why_weak
from proxy.access.scopes import SCOPES, is_scope
from proxy.access.signing import create_key
from proxy.access.staff import create_staff, update_staff, with_hashed_password
from proxy.container import container
from proxy.models import Client, StaffUser
from proxy.record.indexing import index_calls
from proxy.registry import mediators
from proxy.retention import keep_bounded
from proxy.statistics.rollup_job import note_changes


class _Scope(click.ParamType):  # type: ignore[type-arg]
    """A scope that there is."""

    name = "scope"

    def convert(self, value: Any, *_context: Any) -> str:
        """The scope as it is; stops the command where there is none such."""
        if not is_scope(value):
            self.fail(f"there is no scope {value}; there are {', '.join(SCOPES)}")
        return str(value)


SCOPE = _Scope()


@click.command("create-client")
@click.argument("client_id")
@click.option("--name", help="What people call it; the client id by default.")
@click.option("--scope", "scopes", multiple=True, type=SCOPE)
@click.option("--allowed-ip", "allowed_ips", multiple=True, help="Address or CIDR network.")
def create_client_command(
    client_id: str, name: str | None, scopes: tuple[str, ...], allowed_ips: tuple[str, ...]
) -> None:
    """Create a client and print its secret, once."""
    secret = issue_secret()
    with container().database.writing() as session:
        if session.scalar(select(Client.id).where(Client.client_id == client_id)):
            raise click.ClickException(f"A client {client_id} exists already")
        given = {
            "client_id": client_id,
            "name": name or client_id,
            "scopes": list(scopes),
            "allowed_ips": list(allowed_ips),
        }
        create_client(session, container().sealer, given, secret)
    click.echo(f"client_id={client_id}\nclient_secret={secret.plain}")


@click.command("ensure-client")
@click.argument("client_id")
@click.option("--name", required=True)
@click.option("--scope", "scopes", multiple=True, type=SCOPE)
@click.option("--secret-variable", required=True, help="The variable that holds the secret.")
def ensure_client(client_id: str, name: str, scopes: tuple[str, ...], secret_variable: str) -> None:
    """Make sure of a client with a given secret: another service of this installation."""
    secret = process_environment().get(secret_variable)
    if not secret:
        raise click.ClickException(f"{secret_variable} is not set")
    record = {
        "client_id": client_id,
        "name": name,
        "client_secret": secret,
        "scopes": list(scopes),
        "is_active": True,
    }
    with container().database.writing() as session:
        clients.ensure_client(session, record)
    click.echo(f"Client {client_id} is there")


@click.command("create-admin")
@click.option("--reset-password", is_flag=True, help="Give an existing one ADMIN_PASSWORD anew.")
def create_admin(reset_password: bool) -> None:
    """Create the first administrator from ADMIN_USERNAME, ADMIN_EMAIL and ADMIN_PASSWORD."""
    settings = container().settings
    if not settings.admin_password:
        raise click.ClickException("ADMIN_PASSWORD is not set")
    with container().database.reading() as session:
        known = session.scalar(
            select(StaffUser.id).where(StaffUser.username == settings.admin_username)
        )
    if known is not None and not reset_password:
        click.echo(f"Administrator {settings.admin_username} is there already")
        return
    if reason := why_weak(settings.admin_password, settings.admin_username, settings.admin_email):
        click.echo(f"ADMIN_PASSWORD is weak: {reason}", err=True)
    given = with_hashed_password(
        {
            "username": settings.admin_username,
            "email": settings.admin_email,
            "password": settings.admin_password,
            "role": StaffRole.ADMIN,
            "is_active": True,
        }
    )
    with container().database.writing() as session:
        if known is None:
            create_staff(session, given)
        else:
            update_staff(session, known, given)
    click.echo(f"Administrator {settings.admin_username} can sign in")


@click.command("create-token-key")
def create_token_key() -> None:
    """Create a key that signs access tokens; the newest one signs from the next start on."""
    settings = container().settings
    folder = Path(settings.token_keys_dir or settings.var_dir / "keys" / "tokens")
    made = create_key(folder)
    record_if_possible("token_key.created", made.name)
    click.echo(made.name)


@click.command("seed-demo")
@click.option("--reset", is_flag=True, help="Remove the demonstration data first.")
@click.option("--transactions-per-channel", default=0, type=click.IntRange(0, 100_000))
def seed_demo(reset: bool, transactions_per_channel: int) -> None:
    """Create demonstration clients, mediators, channels and transactions."""
    from proxy.demo import data as demo_data  # not part of the image
    from proxy.demo import examples, seed

    try:
        data = demo_data.read_demo_data(process_environment())
        with container().database.writing() as session:
            if reset:
                examples.remove(session)
                seed.remove(session, data)
            seed.seed(session, container().sealer, data)
            examples.seed(session, data)
            calls = seed.sample_transactions(data, transactions_per_channel, utc_now())
            session.add_all(calls)
            note_changes(session, (call.started_at for call in calls))
    except SettingError as exc:
        raise click.ClickException(str(exc)) from exc
    for client_id in data.without_scopes():
        click.echo(f"Client {client_id} names no scopes: it cannot emit events", err=True)
    click.echo(
        f"{len(data.clients)} clients, {len(data.mediators)} mediators, "
        f"{len(data.channels)} channels are there"
    )


@click.command("purge")
def purge() -> None:
    """Remove what has outlived its time: transactions, rejections, idempotency keys, log-ins."""
    removed = keep_bounded(container().database, container().settings)
    click.echo(", ".join(f"{count} {kind}" for kind, count in removed.items()))


@click.command("index-fields")
def index_fields() -> None:
    """Let old calls be found by the fields that their channels name now; may run while in use."""
    record_act("channel.indexed")
    for one in index_calls(container().database, container().sealer):
        click.echo(f"{one.channel}: {one.calls} calls, {one.values} values added")


@click.command("demo-mediator")
@click.option("--port", type=int, envvar="DEMO_MEDIATOR_PORT", default=8090)
def run_demo_mediator(port: int) -> None:
    """Run a small upstream on loopback that echoes, and keeps itself registered."""
    from proxy.demo import mediator as demo_mediator  # not part of the image
    from proxy.demo.data import demo_mediator_record

    process = container()
    record = demo_mediator_record(process_environment(), port)

    def beat(uptime_s: float) -> None:
        with process.database.writing() as session:
            mediators.register(session, process.sealer, record)
            mediators.heartbeat(session, record["urn"], uptime_s, utc_now())

    demo_mediator.run_demo_mediator(port, beat)
