"""What becomes of the Django mediator's settings in the embedded shape: one line for each."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from common.settings import FORMER_NAMES

#: Why a variable of the mediator has nothing to set here.
NOT_NEEDED = {
    "DJANGO_ALLOWED_HOSTS": "any host name is served",
    "DJANGO_DEBUG": "answers never show the code; LOG_LEVEL=DEBUG tells the log more",
    "DJANGO_SECRET_KEY": "keys are made in VAR_DIR at the first start",
    "DJANGO_SETTINGS_MODULE": "Kiungo does not run on Django",
    "POSTGRES_CONN_MAX_AGE": "connections are kept, and checked before they are used",
    "POSTGRES_WAIT_INTERVAL": "the database is waited for",
    "POSTGRES_WAIT_RETRIES": "the database is waited for",
    "RABBITMQ_DEFAULT_PASS": "RABBITMQ_URL has it; without that the embedded broker is used",
    "RABBITMQ_DEFAULT_USER": "RABBITMQ_URL has it; without that the embedded broker is used",
    "RABBITMQ_MANAGEMENT_PORT": "the broker is not started here; compose.yaml publishes 15673",
    "RABBITMQ_PORT": "RABBITMQ_URL has it; without that the embedded broker is used",
}
#: Variables that hold a key or the name of its file.
KEY_VARIABLES = ("CLIENT_PRIVATE_KEY", "CLIENT_PUBLIC_KEY", "GOV_ESB_PUBLIC_KEY")
_FILE = re.compile(r"[^\n,;]{1,255}\.(pem|key|pub|der|crt|cer)", re.IGNORECASE)


def remarks(environ: Mapping[str, str], folder: Path) -> list[str]:
    """A line for each setting of `environ` that is not used as it is; files are looked for in
    `folder`, that of `.env.local`. No line has a value of a secret.
    """
    missing = missing_key_files(environ, folder)
    return [
        *_former_names(environ),
        *(f"{name}: {_about_file(environ, name)}" for name in missing),
    ]


def missing_key_files(environ: Mapping[str, str], folder: Path) -> list[str]:
    """The variables that name a key's file which is not there."""
    return [
        name
        for name in KEY_VARIABLES
        if _FILE.fullmatch(environ.get(name, "").strip())
        and not (folder / environ[name].strip()).is_file()
    ]


def uses_simulator(environ: Mapping[str, str]) -> bool:
    """Whether no bus is named, so that the demonstration's own is called."""
    return not environ.get("GOVESB_ENGINE_URL", "").strip()


def _about_file(environ: Mapping[str, str], name: str) -> str:
    if uses_simulator(environ):
        return (
            f"not used because {environ[name].strip()} is not there; no bus is named, and the"
            " simulated one has its own keys"
        )
    return f"{environ[name].strip()} is not there: calls that need this key are refused until it is"


def _former_names(environ: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(environ):
        if name in FORMER_NAMES:
            yield f"{name}: used as {FORMER_NAMES[name]}, its new name"
        elif name in NOT_NEEDED:
            yield f"{name}: not needed because {NOT_NEEDED[name]}"
        elif name.startswith("DJANGO_"):
            yield f"{name}: not needed because {NOT_NEEDED['DJANGO_SETTINGS_MODULE']}"
