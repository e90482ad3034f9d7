"""`flask --app esb_relay …`: what operators and containers run."""

import json
import os
import sys
from pathlib import Path

import click
from common.audit.commands import record_if_possible
from common.tracing import configure_tracing

from esb_relay.container import container
from esb_relay.errors import EsbRelayError, MissingSetting
from esb_relay.keys.files import load_private_key, write_private_key, write_public_key
from esb_relay.keys.pairs import Curve, Encoding, generate
from esb_relay.keys.signing import signed_request, verdict
from esb_relay.retention import keep_bounded
from esb_relay.wire.terms import Format, Mode


@click.command("keygen")
@click.option("--curve", type=click.Choice([one.value for one in Curve]), default="secp256r1")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def keygen(curve: str, out: Path) -> None:
    """Make a key pair: OUT gets the private key (mode 0600), OUT.pub the public one.

    Prints the public key as GovESB is given it. Existing files are left alone.
    """
    key = generate(Curve(curve))
    public = out.with_name(f"{out.name}.pub")
    try:
        out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private_key(key, out)
        write_public_key(key.public, public)
    except OSError as exc:
        raise click.ClickException(f"{exc.filename}: {os.strerror(exc.errno or 0)}") from exc
    record_if_possible("key.created", key.kid)
    click.echo(f"kid={key.kid}\ncurve={key.curve}\nprivate={out}\npublic={public}")
    click.echo(f"public_der_b64={key.public.encoded(Encoding.DER_B64).decode()}")


@click.command("sign")
@click.argument("code")
@click.option("--mode", type=click.Choice([one.value for one in Mode]), default="normal")
@click.option("--user-id", help="Whom a nida request is about.")
@click.option("--format", "format_", type=click.Choice([one.value for one in Format]))
def sign(code: str, mode: str, user_id: str | None, format_: str | None) -> None:
    """Read an esbBody from standard input and print the signed envelope, as it would be sent."""
    process = container()
    given = Format(format_ or process.settings.data_format)
    raw = sys.stdin.buffer.read()
    try:
        envelope = signed_request(process.keyring, Mode(mode), code, raw, given, user_id)
    except EsbRelayError as exc:
        raise click.ClickException(str(exc)) from exc
    sys.stdout.buffer.write(envelope + b"\n")


@click.command("verify")
@click.option("--key", default="esb", help="A kid, `esb` (default) or `own`.")
def verify(key: str) -> None:
    """Read an envelope from standard input and say whether, and in which spelling, it is valid."""
    try:
        said = verdict(container().keyring, sys.stdin.buffer.read(), key)
    except EsbRelayError as exc:
        raise click.ClickException(str(exc)) from exc
    click.echo(json.dumps(said))
    if not said["valid"]:
        raise SystemExit(1)


@click.command("seed-demo")
def seed_demo() -> None:
    """Add the demonstration's records, unless they are there."""
    from esb_relay.demo import examples  # not part of the image

    with container().database.writing() as session:
        examples.seed(session)


@click.command("purge")
def purge() -> None:
    """Remove exchanges, calls of the bus and late answers that have outlived their time."""
    removed = keep_bounded(container().database, container().settings)
    click.echo(", ".join(f"{count} {kind}" for kind, count in removed.items()))


@click.command("simulator")
@click.option("--port", type=int, envvar="DEMO_GOVESB_PORT", default=8091)
@click.option("--key", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
def run_simulator(port: int, key: Path) -> None:
    """Run a GovESB of one's own on loopback: token server (/token) and engine.

    It knows this installation's client; KEY is the private key it signs with.
    """
    from esb_relay.demo.server import Simulator, listen  # not part of the image

    process = container()
    client_id, secret = process.settings.client_id, process.settings.client_secret
    if client_id is None or secret is None:
        raise click.ClickException(str(MissingSetting("ESB_CLIENT_ID", "ESB_CLIENT_SECRET")))
    try:
        own, client_key = load_private_key(str(key)), process.keyring.own_public_key()
    except EsbRelayError as exc:
        raise click.ClickException(str(exc)) from exc
    configure_tracing("demo-govesb", process.settings)
    bus = Simulator(own, client_key, client_id=client_id, secret=secret)
    listen(bus, port).serve_forever()
