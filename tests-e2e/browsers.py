"""A real browser for tests, or a skipped test where there is none."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

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
