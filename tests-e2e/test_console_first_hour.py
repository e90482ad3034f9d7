"""A new operator's first hour in a browser: from the log-in to a failure found and mended."""

import re
import time

import pytest
from browsers import Watched
from console import staff_of
from hub import unique
from playwright.sync_api import expect
from raw_mediator import answer, raw_mediator
from systems import MOSTLY_EMBEDDED

#: So long a change takes until every process follows it.
FOLLOWED_WITHIN_S = 1.5
#: No connection outlives the mediator.
HEADERS = ["Content-Type: application/json", "Connection: close"]

pytestmark = pytest.mark.parametrize("hub", MOSTLY_EMBEDDED, indirect=True)


def test_from_the_log_in_to_a_failure_that_was_mended(hub, browser):
    name = unique("clinic")
    _, username, password = staff_of(hub, "admin")
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    watched = Watched(context.new_page())
    page = watched.page
    page.on("dialog", lambda dialog: dialog.accept())

    page.goto(f"{hub.url}/admin/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()

    with raw_mediator() as registry:
        registry.default = answer(b'{"seen":true}', "200 OK", *HEADERS)
        secret = let_a_client_in(page, name)
        register_a_mediator(page, name, registry.url)
        open_a_channel(page, name)
        time.sleep(FOLLOWED_WITHIN_S)

        tail = context.new_page()
        tail.goto(f"{hub.url}/admin/mediator/transactions/?client={name}")
        expect(tail.get_by_text("Live", exact=True)).to_be_visible()
        try_it(page, name, "200 OK in ")
        expect(page.locator("#answer-body")).to_contain_text('"seen": true')
        expect(tail.get_by_role("link", name=f"POST /{name}/patients")).to_be_visible()
        expect(tail.locator("#rows")).to_contain_text("successful")
        assert [one.body for one in registry.received] == [b'{"nin": "1"}']

    # The mediator has gone.
    try_it(page, name, "502 ")
    expect(tail.locator("#rows tr")).to_have_count(2)
    expect(tail.locator("#rows tr").first).to_contain_text("failed")
    find_the_failure(page, name)
    failed_at = page.url

    with raw_mediator() as registry:
        move_the_mediator(page, name, registry.url)
        time.sleep(FOLLOWED_WITHIN_S)
        page.goto(failed_at)
        page.get_by_role("button", name="Make this call again").click()
        expect(page.get_by_text("This call repeats")).to_be_visible()
        expect(page.locator("#summary .badge")).to_have_text("successful", timeout=15_000)
        assert [one.body for one in registry.received] == [b'{"nin": "1"}']

    for opened in (page, tail):
        assert secret not in opened.content()
    # A form that was refused, and what the tester's own call was told, are no faults of a page.
    faults = [text for text in watched.problems if not re.search("status of (422|502)", text)]
    assert faults == []
    assert watched.asked_elsewhere(hub.url) == set()
    context.close()


def let_a_client_in(page, name: str) -> str:
    """The client's secret, which no page shows afterwards."""
    menu(page, "Clients", "New client")
    page.get_by_label("Name", exact=True).fill("The clinic")
    page.get_by_label("Client id", exact=True).fill(name)
    page.get_by_role("button", name="Save").click()
    secret = page.locator("#client-secret").inner_text()
    page.get_by_role("link", name="It is copied: go on").click()
    expect(page.get_by_role("heading", name="The clinic", exact=True)).to_be_visible()
    assert secret not in page.content()
    return secret


def register_a_mediator(page, name: str, url: str) -> None:
    menu(page, "Mediators", "New mediator")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("URN", exact=True).fill(f"urn:test:{name}")
    page.get_by_label("Version", exact=True).fill("first")
    page.get_by_label("Endpoint", exact=True).fill(url)
    page.get_by_role("button", name="Save").click()
    # The form says what is wrong, where it is wrong, and keeps what was typed.
    expect(page.locator("#version-error")).to_be_visible()
    expect(page.get_by_label("Endpoint", exact=True)).to_have_value(url)
    page.get_by_label("Version", exact=True).fill("1.0.0")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("unknown", exact=True).first).to_be_visible()


def open_a_channel(page, name: str) -> None:
    """Open `/<name>/*` to that mediator, and ask the match tester about it."""
    menu(page, "Channels", "New channel")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Path pattern", exact=True).fill(f"/{name}/*")
    label = page.get_by_label("Mediator", exact=True).locator("option", has_text=name).inner_text()
    page.get_by_label("Mediator", exact=True).select_option(label=label)
    page.get_by_label("Open to", exact=True).fill(name)
    page.get_by_label("Media type of the body").fill("application/json")
    page.get_by_label("Example of a body").fill('{"nin": "1"}')
    page.get_by_role("button", name="Save").click()

    page.get_by_role("link", name="Change", exact=True).click()
    trial = page.locator("#trial")
    page.locator("#try-path").fill(f"/{name}/patients")
    expect(trial).to_contain_text("This channel takes the call")
    page.get_by_label("Path pattern", exact=True).fill("/elsewhere/*")
    expect(trial).to_contain_text("it does not match")
    page.get_by_label("Path pattern", exact=True).fill(f"/{name}/*")
    expect(trial).to_contain_text("This channel takes the call")


def try_it(page, name: str, outcome: str) -> None:
    """Call the channel as the client, with the example as it stands."""
    menu(page, "Tester")
    page.get_by_label("Channel", exact=True).select_option(label=name)
    expect(page.get_by_label("Body", exact=True)).to_have_value('{"nin": "1"}')
    page.get_by_label("Client", exact=True).select_option(name)
    page.get_by_label("Path", exact=True).fill(f"/{name}/patients")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#outcome")).to_contain_text(outcome, timeout=30_000)


def find_the_failure(page, name: str) -> None:
    """From the dashboard to the call, which says what went wrong."""
    menu(page, "Dashboard")
    page.get_by_role("link", name=f"POST /{name}/patients").first.click()
    expect(page.locator("#summary .badge")).to_have_text("failed")
    expect(page.locator("#summary")).to_contain_text("Failed to reach mediator endpoint")


def move_the_mediator(page, name: str, url: str) -> None:
    menu(page, "Mediators")
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_label("Endpoint", exact=True).fill(url)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#mediator + dl")).to_contain_text(url)


def menu(page, entry: str, button: str | None = None) -> None:
    """Go where the menu's `entry` leads, and on from there."""
    page.get_by_role("navigation").get_by_role("link", name=entry, exact=True).click()
    page.wait_for_url(re.compile(r"/admin/"))
    if button is not None:
        page.get_by_role("link", name=button).click()
