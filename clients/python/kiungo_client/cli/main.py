"""`kiungo …`: the group of all commands, and who acts."""

import sys
from dataclasses import replace
from typing import TextIO

import click
from click.shell_completion import get_completion_class

from kiungo_client.cli import alerts, calls, channels, configuration, messages
from kiungo_client.cli.account import Account, current, forget, keep
from kiungo_client.cli.output import as_json_option, ending_with_codes, show_record


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kiungo-client")
def main() -> None:
    """Work with a Kiungo hub: channels, calls, reruns, messages, alerts, configuration.

    Exit codes: 0 done; 1 the hub answered with an error; 2 the command line is wrong; 3 not sent;
    4 the outcome is unknown; 5 not logged in, or not allowed.
    """


@main.command()
@click.argument("url")
@click.option("--client-id", required=True, help="The client's id; its secret is asked for.")
@click.option(
    "--secret-file", type=click.File(), help="Where the secret stands; -: standard input."
)
@click.option(
    "--ca-file", type=click.Path(exists=True, resolve_path=True), help="PEM: who vouches."
)
@ending_with_codes
def login(url: str, client_id: str, secret_file: TextIO | None, ca_file: str | None) -> None:
    """Log in at the hub URL, and keep the credentials for this user only."""
    secret = secret_file.read().strip() if secret_file else _asked()
    account = Account(url.rstrip("/"), client_id, secret, ca_file or "")
    with account.client() as hub:
        hub.proxy.channels_get(limit=1)
    keep(account)
    click.echo(f"Logged in at {account.url} as {client_id}")


def _asked() -> str:
    if not sys.stdin.isatty():
        raise click.UsageError("No terminal to ask for the secret: give --secret-file")
    return str(click.prompt("Secret", hide_input=True))


@main.command()
def logout() -> None:
    """Forget the credentials that were kept."""
    click.echo("Logged out" if forget() else "Nobody was logged in")


@main.command()
@as_json_option
def whoami(as_json: bool) -> None:
    """Say which hub is asked, and as whom."""
    known = replace(current(), client_secret="")
    who = "by a token" if known.token else known.client_id
    show_record({"url": known.url, "client": who}, as_json)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what completes commands in SHELL: eval "$(kiungo completion bash)"."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"Nothing is known of {shell}")
    click.echo(found(main, {}, "kiungo", "_KIUNGO_COMPLETE").source())


for part in (
    channels.channels,
    calls.calls,
    calls.rerun,
    messages.messages,
    alerts.alerts,
    configuration.export,
    configuration.apply,
):
    main.add_command(part)
