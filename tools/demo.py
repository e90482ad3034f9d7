"""`make demo`: a few calls through a running installation, with their answers."""

import http.client
import json
import sys
import time
from pathlib import Path

from common.settings import process_environment
from installation import ROOT
from ports import LOOPBACK, chosen_ports

WAIT_S = 15.0


class Hub:
    """The running installation, as an external system sees it."""

    def __init__(self, port: int, client_id: str, secret: str) -> None:
        self._port = port
        self._credentials = {"X-Client-Id": client_id, "X-Client-Secret": secret}

    def ask(
        self, method: str, path: str, body: object = None, *, anonymous: bool = False
    ) -> tuple[int, dict[str, object]]:
        """Send one call, print it with its answer, and return status and JSON body."""
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=30)
        headers = {"Content-Type": "application/json"}
        if not anonymous:
            headers |= self._credentials
        text = json.dumps(body) if body is not None else None
        print(f"\n$ {method} {path}{f'  {text}' if text else ''}")
        try:
            connection.request(method, path, text, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        found: dict[str, object] = json.loads(answer or b"{}")
        print(f"  {response.status} {response.reason}")
        print("  " + json.dumps(found, indent=2, ensure_ascii=False).replace("\n", "\n  "))
        return response.status, found


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


def main() -> int:
    """Show the tour; the exit status says whether it went well."""
    environ = process_environment(ROOT / ".env.local")
    var_dir = ROOT / Path(environ.get("VAR_DIR", "var"))
    kept = var_dir / "keys" / "demo-client-secret"
    secret = environ.get("DEMO_CLIENT_SECRET") or (kept.read_text() if kept.exists() else "")
    client_id = environ.get("DEMO_SEED_CLIENT_PREFIX") or "demo"
    try:
        ended_well = tour(Hub(chosen_ports(environ)["NGINX_PORT"], client_id, secret.strip()))
    except OSError as exc:
        print(f"Kiungo does not answer ({exc}); `make up` starts it.", file=sys.stderr)
        return 1
    return 0 if ended_well else 1


if __name__ == "__main__":
    sys.exit(main())
