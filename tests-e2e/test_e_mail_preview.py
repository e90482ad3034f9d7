"""An e-mail is written in Markdown and seen as its reader will, where nothing in it can run."""

import email
import email.policy
from typing import Any

import demo_transports
import pytest
from browsers import Watched, chromium
from console import staff_of
from hub import Hub, unique
from playwright.sync_api import expect

HOME = "/admin/notification/"
NAME = "<img src=x onerror=alert(1)> **Asha** [x](https://evil.example)"
pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


def test_an_e_mail_is_written_seen_and_sent(hub: Hub, eventually: Any) -> None:
    event, person = unique("EVENT"), unique("person")
    api = "/api/notification/"
    hub.call("POST", f"{api}events/", json={"code": event, "module": "LICENCE"})
    rule = {"event_code": event, "recipient_policy": "ALL", "channels": ["EMAIL"]}
    assert hub.call("POST", f"{api}rules/", json=rule).status_code == 201
    _, username, password = staff_of(hub, "admin")
    with chromium() as browser:
        watched = Watched(browser.new_page())
        page = watched.page
        page.goto(f"{hub.url}{HOME}templates/new/?event_code={event}")
        page.get_by_label("User name").fill(username)
        page.get_by_label("Password").fill(password)
        page.get_by_label("Password").press("Enter")
        page.get_by_label("Channel").select_option("EMAIL")
        page.get_by_role("textbox", name="Language").fill("en")
        page.get_by_label("Subject").fill("Your licence")
        page.get_by_label("Words", exact=True).fill(
            "# Dear {name}\n\n[Licence](https://hub.example)"
        )
        page.get_by_label("Context of the preview").fill('{"name": "Juma"}')
        page.get_by_label("Markdown").check()
        expect(page.locator("#preview")).to_contain_text("Dear Juma\n=========")
        page.get_by_role("button", name="Show the e-mail as typed").click()
        letter = page.frame_locator("iframe[name=e-mail]")
        expect(letter.get_by_role("heading", name="Dear Juma")).to_be_visible()
        # Its own styles hold in the frame; what may run or load there is nothing.
        expect(letter.locator("h1")).to_have_css("font-size", "24px")
        page.get_by_role("button", name="Store the words").click()
        expect(page.get_by_text("Version 1 is stored.")).to_be_visible()
        expect(letter.get_by_role("heading", name="Dear name")).to_be_visible()

        recipient = {"user_id": person, "actor_type": "FAMILY", "to_email": f"{person}@example.org"}
        emission = {"event_code": event, "context": {"name": NAME}, "recipients": [recipient]}
        (message,) = hub.call("POST", f"{api}emit/", json=emission).json()["queued_outbox_ids"]
        page.goto(f"{hub.url}{HOME}outbox/{message}/")
        sent = page.frame_locator("iframe.e-mail")
        expect(sent.get_by_role("heading", name=f"Dear {NAME}")).to_be_visible()
        expect(sent.get_by_role("link")).to_have_count(1)
        assert watched.problems == []
        assert watched.asked_elsewhere(hub.url) == set()

    folder = demo_transports.mail_folder(hub.stack.installation.var_dir)

    def arrived() -> list[Any]:
        texts = [path.read_bytes() for path in folder.glob("[!.]*")]
        mails = [email.message_from_bytes(text, policy=email.policy.default) for text in texts]
        return [one for one in mails if one["To"] == recipient["to_email"]]

    (mail,) = eventually(arrived)
    assert mail.get_body(("plain",)).get_content().startswith(f"Dear {NAME}")
    assert mail.get_body(("html",)).get_content().count("<a ") == 1
