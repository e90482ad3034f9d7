"""Every list that the menu offers: a line for each record when wide, a card when narrow."""

import pytest
from browsers import staff_page
from console import staff_of
from hub import unique

pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)

#: What is wrong with the lists of a page: rows of more than a line, cells that overlap, overflow.
FAULTS = """(isNarrow) => {
    const faults = [];
    const page = document.documentElement;
    if (page.scrollWidth > page.clientWidth) faults.push(`page ${page.scrollWidth}`);
    for (const list of document.querySelectorAll('.list')) {
        if (list.scrollWidth > list.clientWidth) faults.push(`list ${list.scrollWidth}`);
        for (const row of list.querySelectorAll('tbody tr')) {
            const cells = [...row.cells].map((cell) => cell.getBoundingClientRect());
            const high = row.getBoundingClientRect().height;
            if (!isNarrow && high > 48) faults.push(`row ${high}: ${row.innerText.slice(0, 60)}`);
            const under = (cell, at) => !at || cell.top >= cells[at - 1].bottom - 1;
            const isStacked = cells.every(under);
            if (isNarrow && !isStacked) faults.push(`no card: ${row.innerText.slice(0, 60)}`);
        }
    }
    return faults;
}"""
LIST = ".list tbody tr"


@pytest.fixture
def page(hub, window):
    """An administrator's dashboard, with long names in the lists."""
    long = f"{unique('a-name-of-a-system')} of the northern zone, with more words than a line has"
    urn, url = (
        f"urn:{unique('mediator')}",
        "http://a-host-with-a-long-name.example.org:9/path/on/it",
    )
    given = {"name": long, "urn": urn, "version": "1.0.0", "endpoint_url": url}
    mediator = hub.api("POST", "mediators/", 201, json=given)["id"]
    names = {"name": long, "path_pattern": f"/{unique('lists')}/*", "description": long * 3}
    hub.api("POST", "channels/", 201, json={**names, "mediator_id": mediator})
    hub.api("POST", "clients/", 201, json={"name": long, "client_id": unique("client")})
    with staff_page(hub, window, staff_of(hub, "admin")) as watched:
        watched.page.goto(f"{hub.url}/admin/")
        yield watched.page


@pytest.mark.parametrize("service", ["mediator", "esb", "notification", "policy-notification"])
def test_each_list_has_a_line_or_a_card_for_each_record(hub, page, service):
    menu = page.locator("#menu a").evaluate_all("(links) => links.map((one) => one.pathname)")
    faults = {}
    for path in [one for one in menu if one.startswith(f"/admin/{service}/")]:
        page.goto(f"{hub.url}{path}", wait_until="domcontentloaded")
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            if found := page.evaluate(FAULTS, width == 390):
                faults[f"{path} {width}"] = found[:3]
    assert faults == {}


def test_list_is_walked_by_keyboard_and_sorted_by_its_headings(hub, page):
    page.goto(f"{hub.url}/admin/mediator/channels/")
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.href")
    page.keyboard.press("ArrowDown")
    second = page.evaluate("document.activeElement.href")
    page.keyboard.press("k")
    assert (page.evaluate("document.activeElement.href"), first != second) == (first, True)

    head = page.locator(".list thead th").first
    for order, is_reversed in (("ascending", False), ("descending", True)):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == order
        names = page.locator(f"{LIST} td:first-child a").all_inner_texts()
        compared = page.evaluate("(names) => [...names].sort((a, b) => a.localeCompare(b))", names)
        assert names == (compared[::-1] if is_reversed else compared)

    top = page.locator(".list thead th").first.bounding_box()["y"]
    page.locator(".list").evaluate("(list) => list.scrollTo(0, 200)")
    assert page.locator(".list thead th").first.bounding_box()["y"] == pytest.approx(top, abs=2)

    page.locator(f"{LIST} a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/mediator/channels/*/")
