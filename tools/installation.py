"""What an installation of the embedded shape keeps on disk, and how it is made: all idempotent."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import demo_transports
import esb_keys
import former_settings
import local_authority
import nginx_conf
import service_addresses
from common.settings import FORMER_NAMES
from forked_process import ForkServer
from ports import LOOPBACK
from procfile import Program, flask_apps, port_variables
from service_addresses import SERVICE_PORTS

ROOT = Path(__file__).parent.parent

#: Services that have a client of their own at the proxy: what it is called, and its scopes.
OWN_CLIENTS = {
    "esb_relay": ("ESB relay", ()),
    "policy_notify": ("Policy notification", ("notification:emit",)),
}
#: What of the environment `nginx/edge.sh` is told.
EDGE_SETTINGS = (
    "KIUNGO_TLS_CERT",
    "KIUNGO_TLS_KEY",
    "KIUNGO_TLS_CLIENT_CA",
    "KIUNGO_TRUSTED_BALANCERS",
    "KIUNGO_OPENHIM_TLS_CERT",
    "KIUNGO_OPENHIM_TLS_KEY",
    "KIUNGO_CONNECTIONS_PER_ADDRESS",
    "KIUNGO_CONSOLE_HOST",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "KIUNGO_MASKED_PATHS",
)
#: What nginx.conf wants for a service that has no process.
NOT_INSTALLED = f"{LOOPBACK}:1"


class StackError(Exception):
    """The installation cannot be started; the message says why and what to do."""


class Installation:
    """A data folder with its keys, secrets, databases and nginx configuration."""

    def __init__(
        self,
        var_dir: Path,
        environ: Mapping[str, str],
        *,
        programs: Sequence[Program],
        ports: Mapping[str, int],
        cwd: Path | None = None,
        forks: ForkServer | None = None,
    ) -> None:
        self.var_dir = var_dir.absolute()
        self.programs = list(programs)
        self.ports = dict(ports)
        self.cwd = cwd or self.var_dir
        self._forks = forks
        self.environ = self._processes_environ(environ)

    @property
    def has_tls(self) -> bool:
        """Whether nginx serves HTTPS: with TLS=1 by a certificate of an authority of our own."""
        return bool(self.environ.get("KIUNGO_TLS_CERT")) or self.environ.get("TLS") == "1"

    @property
    def url(self) -> str:
        """The one address, without a final slash."""
        if self.has_tls:
            return f"https://localhost:{self.ports['NGINX_TLS_PORT']}"
        return f"http://{LOOPBACK}:{self.ports['NGINX_PORT']}"

    @property
    def authority(self) -> Path | None:
        """The certificate that clients trust where we made one."""
        is_ours = self.has_tls and not self.environ.get("KIUNGO_TLS_CERT")
        is_ours |= self._makes_openhims_certificate
        return local_authority.certificate(self.var_dir) if is_ours else None

    @property
    def openhim_url(self) -> str | None:
        """Where OpenHIM's protocol is spoken at the root; None: nowhere."""
        port = self.ports.get("OPENHIM_API_PORT")
        return f"https://localhost:{port}" if port else None

    @property
    def _makes_openhims_certificate(self) -> bool:
        given = ("KIUNGO_OPENHIM_TLS_CERT", "KIUNGO_TLS_CERT")
        return self.openhim_url is not None and not any(map(self.environ.get, given))

    @property
    def admin_password(self) -> str:
        """The first administrator's password: ADMIN_PASSWORD, else generated once."""
        return self.environ.get("ADMIN_PASSWORD") or self._kept_secret("admin-password")

    @property
    def demo_client_secret(self) -> str:
        """The secret of the client `demo`: DEMO_CLIENT_SECRET, else generated once."""
        return self.environ.get("DEMO_CLIENT_SECRET") or self._kept_secret("demo-client-secret")

    def own_client_secrets(self) -> dict[str, str]:
        """The secrets of the services' own clients by variable; one not given is generated once."""
        found = {}
        for app in OWN_CLIENTS:
            variable = f"{app.upper()}_CLIENT_SECRET"
            kept = f"{app.replace('_', '-')}-client-secret"
            found[variable] = self.environ.get(variable) or self._kept_secret(kept)
        return found

    def prepare(self, *, demo: bool) -> None:
        """Folders, keys, tables, the first administrator, the demonstration data.

        Raises StackError.
        """
        for name in ("", "keys", "run", "run/nginx"):
            (self.var_dir / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        self.write_nginx_conf()
        environ = {
            "ADMIN_PASSWORD": self.admin_password,
            "DEMO_CLIENT_SECRET": self.demo_client_secret,
            **self.own_client_secrets(),
        }

        commands = [
            [app, *arguments]
            for app in flask_apps(self.programs)
            for arguments in self._commands(app, demo=demo)
        ]
        several = str(Path(__file__).with_name("flask_commands.py"))
        command = [sys.executable, several, json.dumps(commands)]
        self._run(command, "the preparation", environ, self._forks)

    def write_address(self) -> None:
        """Leave word of where this installation is reached, for the commands beside it."""
        (self.var_dir / "run" / "address").write_text(self.url + "\n", encoding="utf-8")

    def flask(self, app: str, *arguments: str, **environ: str) -> str:
        """Run `flask --app APP …` in this installation; returns what it prints.

        Raises StackError with its words when it fails.
        """
        command = [sys.executable, "-m", "flask", "--app", app, *arguments]
        return self._run(command, f"flask --app {app} {' '.join(arguments)}", environ)

    def _commands(self, app: str, *, demo: bool) -> list[list[str]]:
        """What `app` needs before it starts."""
        commands = [["db", "upgrade"]]
        if app == "proxy":
            keys = Path(self.environ.get("TOKEN_KEYS_DIR") or self.var_dir / "keys" / "tokens")
            if not any((self.cwd / keys).glob("*.pem")):
                commands.append(["create-token-key"])
            seals = Path(self.environ.get("SEAL_KEYS_DIR") or self.var_dir / "keys" / "seal")
            if not all(any((self.cwd / seals).glob(one)) for one in ("*.key", "*.siv")):
                commands.append(["create-seal-key"])
            bus = Path(self.environ.get("MESSAGE_KEYS_DIR") or self.var_dir / "keys" / "messages")
            if self.environ.get("RABBITMQ_URL") and not any((self.cwd / bus).glob("*.key")):
                commands.append(["create-message-key"])
            commands.append(["create-admin"])
            if demo:
                commands.append(["seed-demo"])
            apps = flask_apps(self.programs)
            commands += [_ensure_client(owner) for owner in OWN_CLIENTS if owner in apps]
        if app == "esb_relay":
            wanted = esb_keys.KEYS if demo else esb_keys.KEYS[:1]
            paths = [esb_keys.path(self.var_dir, name) for name in wanted]
            commands += [["keygen", "--out", str(path)] for path in paths if not path.exists()]
        if demo and app != "proxy":
            commands.append(["seed-demo"])
        return commands

    def _run(
        self,
        command: Sequence[str],
        name: str,
        environ: Mapping[str, str],
        forks: ForkServer | None = None,
    ) -> str:
        whole = {**self.environ, **environ}
        if forks is not None:
            done = forks.run(command, whole, self.cwd)
        else:
            done = subprocess.run(
                command,
                env=whole,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            words = (done.stderr.strip() or done.stdout.strip())[-4000:]
            raise StackError(f"{name} failed:\n{words}")
        return done.stdout

    def _processes_environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The given environment, completed with what the Procfile's commands use."""
        here = str(Path(sys.executable).parent)
        # A line that says nothing (`ESB_CLIENT_ID=`) is not set.
        environ = {name: value for name, value in environ.items() if value.strip()}
        # `make up` has said what becomes of these. Blank, .env.local does not bring them back.
        unused = {name for name in FORMER_NAMES if name in environ}
        if former_settings.uses_simulator(environ):
            unused.update(former_settings.missing_key_files(environ, self.cwd))
        environ = {name: value for name, value in environ.items() if name not in unused}
        # As root, nginx would serve as `nobody`, who cannot enter the data folder.
        user = "user root; " if os.geteuid() == 0 else ""
        return {
            **dict.fromkeys(unused, ""),
            **service_addresses.variables(self.var_dir, self.ports, self.programs),
            **({"WATCHED_CERTIFICATES": edge} if (edge := environ.get("KIUNGO_TLS_CERT")) else {}),
            **esb_keys.variables(self.var_dir, environ, self.ports, self.programs),
            **demo_transports.variables(environ, self.ports, self.programs),
            **environ,
            **{variable: str(port) for variable, port in self.ports.items()},
            "PATH": os.pathsep.join([here, environ.get("PATH", os.defpath)]),
            "VAR_DIR": str(self.var_dir),
            "NGINX_GLOBALS": f"{user}daemon off;",
        }

    def _kept_secret(self, name: str) -> str:
        """The content of `keys/<name>`, generated with mode 0600 when there is none."""
        path = self.var_dir / "keys" / name
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(24) + "\n")
        return path.read_text().strip()

    def write_nginx_conf(self) -> None:
        """Fill in nginx.conf for this installation; the last run's access log is kept once."""
        folder = self.var_dir / "run" / "nginx"
        log = folder / "access.log"
        if log.exists():
            log.replace(folder / "access.log.1")
        used = port_variables(self.programs)
        addresses = {
            name: f"{LOOPBACK}:{self.ports[variable]}" if variable in used else NOT_INSTALLED
            for name, variable in SERVICE_PORTS.items()
        }
        places = {
            "KIUNGO_RUN_DIR": str(folder),
            "KIUNGO_ACCESS_LOG": str(log),
            "KIUNGO_DOCS_DIR": str(ROOT / "nginx" / "docs"),
            "KIUNGO_RESOLVER": LOOPBACK,
        }
        try:
            nginx_conf.write_edge(self._edge(folder))
        except ValueError as exc:
            raise StackError(str(exc)) from exc
        template = (ROOT / "nginx" / "nginx.conf").read_text(encoding="utf-8")
        conf = nginx_conf.render(template, {**addresses, **places})
        (folder / "nginx.conf").write_text(conf, encoding="utf-8")

    def _edge(self, folder: Path) -> dict[str, str]:
        """The settings of `nginx/edge.sh`."""
        given = {name: self.environ[name] for name in EDGE_SETTINGS if self.environ.get(name)}
        if self.has_tls and "KIUNGO_TLS_CERT" not in given:
            given |= local_authority.variables(self.var_dir)
        if self._makes_openhims_certificate and "KIUNGO_TLS_CERT" not in given:
            made = local_authority.variables(self.var_dir)
            given["KIUNGO_OPENHIM_TLS_CERT"] = made["KIUNGO_TLS_CERT"]
            given["KIUNGO_OPENHIM_TLS_KEY"] = made["KIUNGO_TLS_KEY"]
        if self.openhim_url is not None:
            given["KIUNGO_OPENHIM_LISTEN"] = f"{LOOPBACK}:{self.ports['OPENHIM_API_PORT']}"
        return {
            **given,
            "KIUNGO_LISTEN": f"{LOOPBACK}:{self.ports['NGINX_PORT']}",
            "KIUNGO_TLS_LISTEN": f"{LOOPBACK}:{self.ports['NGINX_TLS_PORT']}",
            "KIUNGO_RUN_DIR": str(folder),
        }


def _ensure_client(app: str) -> list[str]:
    """The proxy's command that makes sure of a service's own client."""
    name, scopes = OWN_CLIENTS[app]
    secret = ["--secret-variable", f"{app.upper()}_CLIENT_SECRET"]
    granted = [word for scope in scopes for word in ("--scope", scope)]
    return ["ensure-client", app.replace("_", "-"), "--name", name, *secret, *granted]
