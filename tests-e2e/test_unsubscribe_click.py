"""A person gets an e-mail, follows its link in a browser, and gets no more of them."""

import email
import email.policy
import re
from pathlib import Path
from typing import Any

import demo_transports
import pytest
from browsers import chromium
from hub import Hub, unique

pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


def mails_to(folder: Path, address: str) -> list[Any]:
    texts = [path.read_bytes() for path in folder.glob("[!.]*")]
    mails = [email.message_from_bytes(text, policy=email.policy.default) for text in texts]
    return [one for one in mails if one["To"] == address]


def test_a_click_in_a_browser_ends_e_mails(hub: Hub, eventually: Any) -> None:
    person = unique("person")
    address = f"{person}@example.org"
    event = {**demo_transports.EVENT, "recipients": [{"user_id": person, "actor_type": "FAMILY"}]}
    event["recipients"][0]["to_email"] = address
    assert hub.call("POST", demo_transports.EMIT_PATH, json=event).status_code == 201
    folder = demo_transports.mail_folder(hub.stack.installation.var_dir)
    (mail,) = eventually(lambda: mails_to(folder, address))
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.match("<(http://[^>]+)>", mail["List-Unsubscribe"])
    assert found is not None

    def allows() -> bool:
        path = f"/api/notification/preferences/FAMILY/{person}/"
        return bool(hub.call("GET", path).json()["data"]["allow_email"])

    with chromium() as browser:
        page = browser.new_page()
        page.goto(found[1])
        assert allows()
        page.get_by_role("button", name="Send me no more e-mails").click()
        page.get_by_role("heading", name="You will get no more e-mails").wait_for()
    assert not allows()
    again = hub.call("POST", demo_transports.EMIT_PATH, json=event).json()
    assert "Blocked by user preference" in [one["reason"] for one in again["skipped"]]
    one_click = hub.session.post(found[1], data={"List-Unsubscribe": "One-Click"}, timeout=10)
    assert one_click.status_code == 200
