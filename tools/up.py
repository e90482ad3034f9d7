"""`make up`: prepare, start and keep running everything on this machine, until Ctrl-C."""

import shlex
import signal
import sys
import threading
import time
from pathlib import Path

import demo_transports
import former_settings
from common.settings import process_environment
from installation import ROOT
from log_files import LogFiles
from run_lock import AlreadyRunningError, RunLock
from stack import DEMO_BODY, DEMO_PATH, Stack, StackError


def main() -> int:
    """Run until a signal; the exit status is 1 when it could not be started."""
    began = time.monotonic()
    environ = process_environment(ROOT / ".env.local", tells=False)
    for line in former_settings.remarks(environ, ROOT):
        print(line)
    var_dir = ROOT / environ.get("VAR_DIR", "var")
    try:
        with RunLock(var_dir):
            return _run(Stack(var_dir, environ, cwd=ROOT, out=LogFiles(var_dir / "log")), began)
    except (StackError, AlreadyRunningError) as exc:
        print(f"Kiungo cannot start: {exc}", file=sys.stderr)
        return 1


def _run(stack: Stack, began: float) -> int:
    again = threading.Event()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup and `&` stay in force
            signal.signal(number, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGUSR1, lambda *_: again.set())
    try:
        stack.up()
        print(_welcome(stack, time.monotonic() - began), flush=True)
        while True:
            if again.wait(1.0):
                again.clear()
                stack.restart()
                print("Restarted; the data is the same.", flush=True)
    except KeyboardInterrupt:
        print("\nStopping …", flush=True)
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        stack.stop()
    return 0


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _welcome(stack: Stack, took_s: float) -> str:
    """What a newcomer needs first: the addresses, the log-in, one call that works."""
    lines = [
        "",
        f"Kiungo is ready after {took_s:.1f} s.",
        "",
        f"  Address      {stack.url}/",
        f"  Console      {stack.url}/admin/login/",
        f"               user {stack.installation.environ.get('ADMIN_USERNAME', 'admin')}, "
        f"password: {_password_place(stack)}",
        f"  API pages    {stack.url}/api/docs/",
    ]
    if taken := stack.database_connections:
        lines.append(f"  PostgreSQL   up to {taken} connections")
    if stack.installation.openhim_url is not None:
        lines.append(f"  OpenHIM API  {stack.installation.openhim_url}/")
    if stack.installation.authority is not None:
        trusted = shlex.quote(str(_short(stack.installation.authority)))
        lines += ["", f"  For curl to trust it:  export CURL_CA_BUNDLE={trusted}"]
    if stack.has_example:
        lines += ["", "  A call to the demonstration mediator:", "", _example(stack)]
        if stack.has_demo_transports:
            lines += ["", "  An event that tells a person in three ways:", "", _event(stack)]
    end = "`make logs` shows what the processes write. Ctrl-C stops everything; the data stays."
    return "\n".join([*lines, "", end, ""])


def _password_place(stack: Stack) -> str:
    if stack.installation.environ.get("ADMIN_PASSWORD"):
        return "the one in ADMIN_PASSWORD"
    path = stack.installation.var_dir / "keys" / "admin-password"
    return f"cat {shlex.quote(str(_short(path)))}"


def _short(path: Path) -> Path:
    """Relative to the checkout where that is possible."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _example(stack: Stack) -> str:
    secret = stack.installation.demo_client_secret
    return (
        f"curl -i {stack.url}{DEMO_PATH} -H 'X-Client-Id: {stack.demo_client_id}' "
        f"-H 'X-Client-Secret: {secret}' "
        f"-H 'Content-Type: application/json' -d '{DEMO_BODY}'"
    )


def _event(stack: Stack) -> str:
    var_dir = stack.installation.var_dir
    calls = demo_transports.commands(
        stack.url, stack.demo_client_id, stack.installation.demo_client_secret
    )
    return (
        f"{calls}\n\n"
        f"  The SMS is a file in {_short(demo_transports.sms_folder(var_dir))}, the e-mail one in "
        f"{_short(demo_transports.mail_folder(var_dir))}; the last call shows the in-app message."
    )


if __name__ == "__main__":
    sys.exit(main())
