"""Whom the command line acts for: kept in the user's configuration, readable by nobody else."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click

from kiungo_client.client import Kiungo
from kiungo_client.tokens import ClientCredentials, Credentials, FixedToken

#: Of the environment; they win over what is kept.
URL, TOKEN, TOKEN_FILE = "KIUNGO_URL", "KIUNGO_TOKEN", "KIUNGO_TOKEN_FILE"
CLIENT_ID, SECRET = "KIUNGO_CLIENT_ID", "KIUNGO_CLIENT_SECRET"


class NotLoggedIn(click.ClickException):
    """Nobody has logged in; the command ends with 5."""

    exit_code = 5


@dataclass(frozen=True)
class Account:
    """A hub and a client's credentials; `ca_file`: who may vouch for the hub, empty: the usual."""

    url: str
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    ca_file: str = ""
    token: str = field(default="", repr=False)

    def client(self) -> Kiungo:
        """The hub, asked as this client."""
        credentials: Credentials = FixedToken(self.token)
        if not self.token:
            credentials = ClientCredentials(self.client_id, self.client_secret)
        return Kiungo(self.url, credentials, verify=self.ca_file or True)


def path() -> Path:
    """Where it is kept; `KIUNGO_CONFIG_DIR` says another folder."""
    folder = os.environ.get("KIUNGO_CONFIG_DIR") or click.get_app_dir("kiungo")
    return Path(folder) / "account.json"


def keep(account: Account) -> None:
    """Write it, mode 0600 from the first byte; a kept one is replaced as a whole."""
    target = path()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = target.with_suffix(".new")
    written.unlink(missing_ok=True)
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({name: value for name, value in asdict(account).items() if value}, file)
    written.replace(target)


def forget() -> bool:
    """Remove what is kept; False: there was nothing."""
    found = path().exists()
    path().unlink(missing_ok=True)
    return found


def current() -> Account:
    """What is kept, and over it what the environment says. Raises NotLoggedIn."""
    kept = _kept()
    known = Account(
        url=os.environ.get(URL) or kept.get("url", ""),
        client_id=os.environ.get(CLIENT_ID) or kept.get("client_id", ""),
        client_secret=os.environ.get(SECRET) or kept.get("client_secret", ""),
        ca_file=kept.get("ca_file", ""),
        token=_token(),
    )
    if not known.url or not (known.token or (known.client_id and known.client_secret)):
        raise NotLoggedIn("Nobody is logged in: kiungo login URL --client-id ID")
    return known


def _kept() -> dict[str, str]:
    try:
        found = json.loads(path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        raise NotLoggedIn(f"{path()} cannot be read: log in again") from exc
    return found if isinstance(found, dict) else {}


def _token() -> str:
    file = os.environ.get(TOKEN_FILE)
    if not file:
        return os.environ.get(TOKEN, "")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise NotLoggedIn(f"{TOKEN_FILE}: {os.strerror(exc.errno or 0)}") from exc
