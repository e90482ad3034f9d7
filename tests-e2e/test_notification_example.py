"""The third thing a newcomer does: paste the event that `make up` printed, and look."""

import email
import email.policy
import json
import subprocess
from pathlib import Path

import demo_transports


def files(folder: Path) -> set[Path]:
    return {path for path in folder.glob("*") if not path.name.startswith(".")}


def test_one_event_is_an_sms_an_email_and_an_in_app_message(hub, eventually):
    var_dir = hub.stack.installation.var_dir
    folders = [demo_transports.sms_folder(var_dir), demo_transports.mail_folder(var_dir)]
    before = [files(folder) for folder in folders]
    secret = hub.stack.installation.demo_client_secret
    pasted = demo_transports.commands(hub.url, hub.stack.demo_client_id, secret)
    emit = "\n".join(pasted.splitlines()[:2])
    done = subprocess.run(["sh", "-c", emit], capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert (answer["disposition"], answer["queued_count"], answer["skipped"]) == ("queued", 3, [])

    (sms,) = eventually(lambda: files(folders[0]) - before[0])
    text = sms.read_text()
    assert text.startswith("To: +255712345678\n")
    assert text.endswith("\nNdugu Asha, una miadi Muhimbili tarehe 12.5.2027.\n")

    (caught,) = eventually(lambda: files(folders[1]) - before[1])
    mail = email.message_from_bytes(caught.read_bytes(), policy=email.policy.default)
    assert (mail["To"], mail["Subject"]) == ("asha@example.org", "Miadi yako ya tarehe 12.5.2027")
    assert "Karibu!" in mail.get_content()

    def newest():
        headers = {"Authorization": f"Bearer {hub.token}"}
        found = hub.call("GET", f"{demo_transports.INBOX_PATH}?limit=1", headers=headers).json()
        return found["data"]

    (message,) = eventually(newest)
    assert message["title"] == "Miadi yako ya tarehe 12.5.2027"
    assert message["is_read"] is False
