"""A real browser for tests, or a skipped test where there is none; staff's pages in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from console import open_console, sign_in
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = shutil.which("chromium")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium, without its own chatter on the network."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield opened
        opened.close()


class Watched:
    """A page with what it asked for and complained about (a CSP violation is such a complaint)."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.problems: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _heard(self, message) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(message.text)

    def asked_elsewhere(self, url: str) -> set[str]:
        """What was asked of others than `url`."""
        return {asked for asked in self.asked if not asked.startswith((url, "data:"))}


@contextmanager
def staff_page(hub, window: BrowserContext, member: tuple[str, str, str]) -> Iterator[Watched]:
    """A new page where a member of staff (`staff_of`) is signed in, and nobody who was before.

    Without the form: tests of signing in fill it in, and each costs a browser two pages.
    """
    window.clear_cookies()
    window.add_cookies(_session_of(hub, member))
    try:
        yield Watched(window.new_page())
    finally:
        for page in window.pages[1:]:
            page.close()


def _session_of(hub, member: tuple[str, str, str]) -> list[dict[str, str]]:
    _, username, password = member
    with open_console(hub) as session:
        assert sign_in(hub, session, username, password).status_code == 303
        return [
            {"name": one.name, "value": one.value, "domain": one.domain, "path": one.path}
            for one in session.cookies
        ]
