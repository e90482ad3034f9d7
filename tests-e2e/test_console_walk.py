"""Every page that the menu offers, and what its lists lead to first, as each role.

`make faults` asks every rule in every shape, and keeps screenshots of what an administrator sees in
`test-output/console/`.
"""

import re
import shutil
from pathlib import Path

import pytest
from browsers import Watched, chromium
from bus import Bus
from console import signed_in, staff_of
from hub import unique
from messages import emit, tried_out_campaign
from npm_packages import npm_packages
from policy_scheme import Scheme

ROLES = ["viewer", "operator", "admin"]
#: Each width and each scheme once; and all of both.
SHAPES = [(1280, "light"), (390, "dark")]
ALL_SHAPES = [*SHAPES, (1280, "dark"), (390, "light")]
PICTURED = [f"{width}-{scheme}" for width, scheme in SHAPES]
OUTPUT = Path(__file__).parents[1] / "test-output" / "console"
AXE = Path(__file__).parent / "axe"

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
#: What the page's width and its colours decide; the rest is the same document.
SEEN = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]
RULES = {
    PICTURED[0]: VIOLATIONS,
    PICTURED[1]: {**VIOLATIONS, "runOnly": {"type": "rule", "values": SEEN}},
}

pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture
def something_to_see(hub, base, mediator):
    """A call of each kind and a rejection; an exchange, a family that is told, a message."""
    hub.call("POST", f"{base}/visits", json={"patient": "Asha", "visits": [1, 2]})
    hub.call("GET", f"{base}/later?async=true")
    hub.api("POST", "tasks/", 201, json={"filter": {"path": f"{base}/visits"}})
    hub.call("GET", f"/{unique('nowhere')}")
    offline = hub.new_mediator("http://127.0.0.1:9", name=unique("a mediator that is away"))
    channel = hub.new_channel(f"/{unique('away')}/*", offline["id"])
    hub.api("POST", f"channels/{channel['id']}/test-match/", json={"method": "GET", "path": base})
    bus = Bus(hub)
    bus.relay("{}")
    bus.relay("{}", code="E2E!failure")
    route = {"name": unique("route"), "target_kind": "http", "target": mediator.url}
    bus.ask("POST", "routes/", json=route).raise_for_status()
    scheme = Scheme(hub).found()
    family = scheme.expiring("+255700000001")
    scheme.consent(family["chf_id"])
    scheme.run()
    emit(hub, "DEMO_APPOINTMENT", {"name": "Asha", "place": "Dodoma", "date": "1 June"})
    return hub


class Axe:
    """Finds what people with disabilities cannot use; `missing` says why it is not there."""

    def __init__(self, script: str = "", missing: str = "") -> None:
        self.script, self.missing = script, missing

    def or_skip(self) -> None:
        """Skip the test where it cannot be asked."""
        if self.missing:
            pytest.skip(self.missing)

    def issues(self, page, rules) -> list[str]:
        """The serious violations on a page."""
        if not page.evaluate("'axe' in window"):
            page.evaluate(self.script)
        return page.evaluate(SERIOUS, rules)


@pytest.fixture(scope="module")
def axe(pytestconfig, tmp_path_factory) -> Axe:
    try:
        packages = npm_packages(AXE, pytestconfig, tmp_path_factory)
    except pytest.skip.Exception as exc:
        return Axe(missing=str(exc))
    return Axe((packages / "node_modules/axe-core/axe.min.js").read_text())


class Walk:
    """One member of staff in one browser."""

    def __init__(self, hub, browser, role: str) -> None:
        _, username, password = staff_of(hub, role)
        self.hub, self.role = hub, role
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})
        self.watched = Watched(self.context.new_page())
        self.page = self.watched.page
        self.page.goto(f"{hub.url}/admin/")
        self.page.get_by_label("User name").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_label("Password").press("Enter")
        self.page.wait_for_url(f"{hub.url}/admin/")

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


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.timeout(240)
def test_every_page_is_sound_for_every_role(something_to_see, browser, axe, subtests, role):
    walk = Walk(something_to_see, browser, role)
    found = {}

    for path in walk.pages():
        assert walk.page.locator("h1").count() == 1, path
        for shape in walk.in_each(ALL_SHAPES if role == "admin" else SHAPES[1:]):
            assert walk.fits(), f"{path} is wider than the window: {shape}"
            if role == "admin" and shape in RULES and axe.script:
                found[f"{path} {shape}"] = axe.issues(walk.page, RULES[shape])
        assert walk.watched.problems == [], path

    assert walk.watched.asked_elsewhere(walk.hub.url) == set()
    if role == "admin":  # who sees everything
        with subtests.test("axe"):
            axe.or_skip()
            assert {at: issues for at, issues in found.items() if issues} == {}
    walk.context.close()


@pytest.mark.faults
@pytest.mark.timeout(240)
def test_axe_finds_nothing_serious_in_any_shape(something_to_see, browser, axe):
    axe.or_skip()
    walk = Walk(something_to_see, browser, "admin")
    shutil.rmtree(OUTPUT, ignore_errors=True)
    found = {}

    for path in walk.pages():
        for shape in walk.in_each(SHAPES):
            picture = OUTPUT / f"{named(path)}-{shape}.png"
            walk.page.screenshot(path=picture, full_page=True)
            if issues := axe.issues(walk.page, VIOLATIONS):
                found[f"{path} {shape}"] = issues

    assert found == {}
    walk.context.close()


@pytest.mark.timeout(240)
def test_a_campaigns_page_is_sound_wherever_it_stands(hub, browser, axe):
    axe.or_skip()
    walk = Walk(hub, browser, "admin")
    at = f"{hub.url}/admin/notification/campaigns/{tried_out_campaign(hub)}/"
    found = {}

    def look(state: str, address: str = at) -> None:
        walk.page.goto(address)
        walk.page.locator("h2#status, main tbody tr").filter(has_text=state).first.wait_for()
        for shape in walk.in_each(ALL_SHAPES):
            assert walk.fits(), f"{state} is wider than the window: {shape}"
            if issues := axe.issues(walk.page, VIOLATIONS):
                found[f"{state} {shape}"] = issues

    walk.page.on("dialog", lambda dialog: dialog.accept())
    look("DRAFT")
    look("WAITING", f"{at}people/")
    for act, state in [("Approve", "RUNNING"), ("Pause", "PAUSED"), ("Stop", "STOPPED")]:
        walk.page.goto(at)
        walk.page.get_by_role("button", name=act, exact=True).click()
        look(state)

    assert found == {}
    assert walk.watched.problems == []
    walk.context.close()


def test_axe_finds_what_is_put_there(hub, browser, axe):
    axe.or_skip()
    walk = Walk(hub, browser, "admin")
    walk.page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert "button-name" in str(axe.issues(walk.page, VIOLATIONS))
    walk.context.close()


def test_every_page_of_the_menu_is_there(hub):
    with signed_in(hub, "admin") as session:
        home = session.get(f"{hub.url}/admin/", timeout=10).text
        paths = re.findall(r'<li><a href="([^"]+)"', home.partition('<nav id="menu"')[2])
        answers = {path: session.get(hub.url + path, timeout=10).status_code for path in paths}

    assert len(paths) > 10
    assert {path: code for path, code in answers.items() if code != 200} == {}


def named(path: str) -> str:
    """A file's name for a page; ids in it are the same in every run."""
    plain = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "id", path.partition("?")[0])
    return plain.strip("/").replace("/", "-") or "home"
