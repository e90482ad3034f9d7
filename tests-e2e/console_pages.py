"""The pages of the console one after the other, as a member of staff in a browser meets them."""

import re

import pytest
from browsers import Watched

#: Each width and each scheme once; and all of both.
SHAPES = [(1280, "light"), (390, "dark")]
ALL_SHAPES = [*SHAPES, (1280, "dark"), (390, "light")]

#: Addresses of pages below `at`: the first that a row leads to, and all that the heading does.
BELOW = """(at) => {
    const inside = (link) => link.pathname.startsWith(at) && link.pathname !== at;
    const first = [...document.querySelectorAll('main tbody a[href]')].find(inside);
    const acts = [...document.querySelectorAll('main .heading .actions a[href]')].filter(inside);
    return [...new Set([first, ...acts].filter(Boolean).map((link) => link.href))];
}"""
SERIOUS = """(options) => axe.run(document, options).then(({ violations }) =>
    violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).map((one) =>
        `${one.id}: ${one.nodes.map(({ target, failureSummary }) =>
            `${target} ${failureSummary}`).slice(0, 3).join('; ')}`))"""

#: Not within frames: in the sandboxed ones no script runs, axe's neither.
VIOLATIONS = {"resultTypes": ["violations"], "iframes": False}


class Axe:
    """Finds what people with disabilities cannot use; `missing` says why it is not there."""

    def __init__(self, script: str = "", missing: str = "") -> None:
        self.script, self.missing = script, missing

    def or_skip(self) -> None:
        """Skip the test where it cannot be asked: last of all, so that the rest is tested."""
        if self.missing:
            pytest.skip(f"axe looked at no page: {self.missing}")

    def issues(self, page, rules) -> list[str]:
        """The serious violations on a page."""
        if not page.evaluate("'axe' in window"):
            page.evaluate(self.script)
        return page.evaluate(SERIOUS, rules)


class Walk:
    """One member of staff in one browser."""

    def __init__(self, hub, watched: Watched, language: str = "en") -> None:
        self.hub, self.watched, self.page = hub, watched, watched.page
        choice = {"name": "kiungo_language", "value": language, "url": hub.url}
        self.page.context.add_cookies([choice])
        self.page.goto(f"{hub.url}/admin/")

    def pages(self):
        """Opens one page after the other, and tells its path."""
        links = self.page.locator("#menu a, a.who").evaluate_all("(all) => all.map((a) => a.href)")
        for address in links:
            if not self._opens(address):
                continue
            below = self.page.evaluate(BELOW, re.sub(r"^https?://[^/]+", "", address))
            yield self._path()
            for further in below if address != f"{self.hub.url}/admin/" else []:
                assert self._opens(further), f"{address} leads to {further}, which is not there"
                yield self._path()

    def in_each(self, shapes):
        """The page in each of these shapes."""
        for width, scheme in shapes:
            self.page.set_viewport_size({"width": width, "height": 900})
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            yield f"{width}-{scheme}"

    def fits(self) -> bool:
        """Whether nothing is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    def _opens(self, address: str) -> bool:
        before = len(self.watched.problems)
        answer = self.page.goto(address)
        if answer.status == 404:
            del self.watched.problems[before:]
        return answer.status != 404

    def _path(self) -> str:
        return self.page.url.removeprefix(self.hub.url)


def named(path: str) -> str:
    """A file's name for a page; ids in it are the same in every run."""
    plain = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "id", path.partition("?")[0])
    return plain.strip("/").replace("/", "-") or "home"
