"""The demonstration's ways out, and the event that uses them: nothing leaves the machine."""

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from ports import LOOPBACK
from procfile import Program

MAIL_CATCHER = "demo-mail"
EMIT_PATH = "/api/notification/emit/"
INBOX_PATH = "/api/notification/inbox/asha/"
EVENT = {
    "event_code": "DEMO_APPOINTMENT",
    "context": {"name": "Asha", "place": "Muhimbili", "date": "12.5.2027"},
    "recipients": [
        {
            "user_id": "asha",
            "actor_type": "FAMILY",
            "to_phone": "0712 345 678",
            "to_email": "asha@example.org",
            "preferred_lang": "sw",
        }
    ],
}


def are_in_use(environ: Mapping[str, str]) -> bool:
    """Whether the environment names no ways out of its own: what is sent reaches nobody."""
    own = ("NOTIFICATION_SMS_", "NOTIFICATION_SMTP_")
    return not any(name.startswith(own) and text for name, text in environ.items())


def variables(
    environ: Mapping[str, str], ports: Mapping[str, int], programs: Sequence[Program]
) -> dict[str, str]:
    """What notification is told: e-mails to the catcher on loopback, SMS into files."""
    has_catcher = any(program.name == MAIL_CATCHER for program in programs)
    if not has_catcher or not are_in_use(environ):
        return {}
    return {
        "NOTIFICATION_SMS_PROVIDER": "file",
        "NOTIFICATION_SMTP_HOST": LOOPBACK,
        "NOTIFICATION_SMTP_PORT": str(ports["DEMO_MAIL_PORT"]),
        "NOTIFICATION_SMTP_USE_TLS": "false",
        "NOTIFICATION_FROM_EMAIL": "kiungo@example.org",
        # Links of an earlier start are none any more: it is a demonstration.
        "NOTIFICATION_PUBLIC_URL": f"http://{LOOPBACK}:{ports['NGINX_PORT']}",
        "NOTIFICATION_LINK_SECRET": secrets.token_urlsafe(32),
    }


def sms_folder(var_dir: Path) -> Path:
    """One file per SMS."""
    return var_dir / "sms"


def mail_folder(var_dir: Path) -> Path:
    """One file per e-mail: the catcher keeps a maildir."""
    return var_dir / "mail" / "new"


def commands(url: str, client_id: str, secret: str) -> str:
    """The event as one can paste it: a token first, then the call."""
    extract = r"""sed 's/.*"access_token": *"\([^"]*\)".*/\1/'"""
    return (
        f"TOKEN=$(curl -s {url}/oauth/token -u '{client_id}:{secret}' "
        f"-d grant_type=client_credentials | {extract})\n"
        f'curl {url}{EMIT_PATH} -H "Authorization: Bearer $TOKEN" '
        f"-H 'Content-Type: application/json' -d '{json.dumps(EVENT)}'\n"
        f'curl {url}{INBOX_PATH} -H "Authorization: Bearer $TOKEN"'
    )
