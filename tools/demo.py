"""`make demo`: a few calls through a running installation, with their answers."""

import http.client
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import demo_transports
import local_authority
import requests
from common.settings import process_environment
from installation import ROOT

WAIT_S = 15.0


class Hub:
    """The running installation, as an external system sees it."""

    def __init__(self, var_dir: Path, client_id: str, secret: str) -> None:
        self._url = (var_dir / "run" / "address").read_text().strip()
        self._session = requests.Session()
        self._session.trust_env = False  # loopback is never asked through a proxy
        authority = local_authority.certificate(var_dir)
        if authority.exists():
            self._session.verify = str(authority)
        self._token = ""
        self._credentials = {"X-Client-Id": client_id, "X-Client-Secret": secret}

    def ask(
        self, method: str, path: str, body: object = None, *, anonymous: bool = False
    ) -> tuple[int, dict[str, object]]:
        """Send one call, print it with its answer, and return status and JSON body."""
        headers = {"Content-Type": "application/json"}
        if not anonymous:
            headers |= self._credentials
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        text = json.dumps(body) if body is not None else None
        print(f"\n$ {method} {path}{f'  {text}' if text else ''}")
        status, found = self._send(method, path, text, headers)
        print(f"  {status} {http.client.responses.get(status, '')}")
        print("  " + json.dumps(found, indent=2, ensure_ascii=False).replace("\n", "\n  "))
        return status, found

    def fetch_token(self) -> None:
        """From now on, calls carry an access token."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials["X-Client-Id"],
            "client_secret": self._credentials["X-Client-Secret"],
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        _status, found = self._send("POST", "/oauth/token", urlencode(form), headers)
        self._token = str(found.get("access_token", ""))

    def _send(
        self, method: str, path: str, text: str | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, object]]:
        response = self._session.request(
            method, self._url + path, data=text, headers=headers, timeout=30
        )
        return response.status_code, json.loads(response.content or b"{}")


def tour(hub: Hub) -> bool:
    """The tour; returns whether the asynchronous call ended well."""
    print("A call to a mediator, and what is kept of it:")
    hub.ask("POST", "/demo/echo", {"hello": "world"})
    print("\nA call without credentials is refused:")
    hub.ask("POST", "/demo/echo", {"hello": "world"}, anonymous=True)
    print("\nA path that no channel claims:")
    hub.ask("GET", "/nobody/home")
    print("\nA call that need not be waited for:")
    _, accepted = hub.ask("POST", "/demo/echo?async=true&delay=0.5", {"hello": "later"})
    status_url = str(accepted.get("status_url", "/"))
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        _, state = hub.ask("GET", status_url)
        if state.get("is_terminal", True):
            return state.get("status") == "successful"
        time.sleep(0.5)
    return False


def tell(hub: Hub, var_dir: Path) -> bool:
    """An event that tells a person in three ways; returns whether all of them came."""
    print("\nAn event that becomes an SMS, an e-mail and an in-app message:")
    hub.fetch_token()
    folders = [demo_transports.sms_folder(var_dir), demo_transports.mail_folder(var_dir)]
    before = [_files(folder) for folder in folders]
    status, _ = hub.ask("POST", demo_transports.EMIT_PATH, demo_transports.EVENT)
    deadline = time.monotonic() + WAIT_S
    while not all(_files(one) - old for one, old in zip(folders, before, strict=True)):
        if status != http.client.CREATED or time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    for folder, old in zip(folders, before, strict=True):
        for path in sorted(_files(folder) - old):
            print(f"\n{path}:\n  " + path.read_text().replace("\n", "\n  "))
    hub.ask("GET", f"{demo_transports.INBOX_PATH}?limit=1")
    return True


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.glob("*") if not path.name.startswith(".")}


def main() -> int:
    """Show the tour; the exit status says whether it went well."""
    environ = process_environment(ROOT / ".env.local")
    var_dir = ROOT / Path(environ.get("VAR_DIR", "var"))
    kept = var_dir / "keys" / "demo-client-secret"
    secret = environ.get("DEMO_CLIENT_SECRET") or (kept.read_text() if kept.exists() else "")
    client_id = environ.get("DEMO_SEED_CLIENT_PREFIX") or "demo"
    try:
        hub = Hub(var_dir, client_id, secret.strip())
        ended_well = tour(hub)
        if demo_transports.are_in_use(environ):
            ended_well = tell(hub, var_dir) and ended_well
    except OSError as exc:
        print(f"Kiungo does not answer ({exc}); `make up` starts it.", file=sys.stderr)
        return 1
    return 0 if ended_well else 1


if __name__ == "__main__":
    sys.exit(main())
