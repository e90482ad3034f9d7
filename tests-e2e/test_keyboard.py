"""The console without a mouse: all is reached by Tab, is seen when it is, and is operated."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)

#: Numbers what Tab should reach, in the order of the document; returns what each is called.
NUMBERED = """() => {
    for (const one of document.querySelectorAll('[data-at]')) delete one.dataset.at;
    const wanted = [...document.querySelectorAll(
        'a[href], button, input, select, textarea, summary, [tabindex]')].filter((one) =>
        one.tabIndex >= 0 && !one.disabled && one.type !== 'hidden' &&
        one.checkVisibility({ visibilityProperty: true }) && !one.closest('[inert]'));
    const radios = new Set();
    return wanted.filter((one) => {
        if (one.type !== 'radio') return true;
        const group = one.form?.querySelector(`[name="${one.name}"]:checked`);
        if (group ? group !== one : radios.has(one.name)) return false;
        return radios.add(one.name);
    }).map((one, at) => {
        one.dataset.at = at;
        return `${one.tagName.toLowerCase()} ${(one.ariaLabel ?? one.innerText ?? '').trim() ||
            one.name || one.id}`.slice(0, 60);
    });
}"""
#: Where the focus is: its number, and what keeps it from being seen.
FOCUSED = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) return null;
    if (one.dataset.at === undefined) return [-1, ''];
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
    const isMarked = (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
    const box = one.getClientRects()[0] ?? one.getBoundingClientRect();
    const within = (value, most) => Math.min(Math.max(value, 1), most - 2);
    const x = within(box.left + box.width / 2, Math.min(innerWidth, box.right));
    const y = within(box.top + Math.min(box.height / 2, 12), Math.min(innerHeight, box.bottom));
    const over = document.elementFromPoint(x, y);
    const label = one.labels?.length ? [...one.labels].some((it) => it.contains(over)) : false;
    const isSeen = over && (one.contains(over) || over.contains(one) || label);
    const fault = isSeen ? '' : `under ${over?.outerHTML.slice(0, 60)}`;
    return [Number(one.dataset.at), isMarked ? fault : 'no mark'];
}"""


@pytest.fixture
def walk(walk_as):
    return walk_as("admin")


def tabbed(page, most: int = 600) -> list[str]:
    """Go through a page by Tab from its top; what is wrong with it."""
    names = page.evaluate(NUMBERED)
    reached: list[int] = []
    faults = []
    page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0); }")
    for _ in range(most):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found is None or (reached and found[0] == reached[0]):
            break
        at, fault = found
        if at < 0:
            continue  # what scrolls can be focused, too
        if fault:
            faults.append(f"{names[at]}: {fault}")
        reached.append(at)
    # What the page has put in the place of something meanwhile, as a live list does, has no number.
    here = page.evaluate(
        "() => [...document.querySelectorAll('[data-at]')].map((one) => Number(one.dataset.at))"
    )
    missing = [names[at] for at in here if at not in reached]
    if missing:
        faults.append(f"not reached: {missing}")
    if reached != sorted(reached):
        faults.append(f"out of order: {[names[at] for at in reached]}")
    return faults


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/mediator/channels/", "/admin/mediator/channels/new/"]
)
def test_page_is_gone_through_by_tab(hub, walk, path):
    walk.page.goto(hub.url + path)
    assert tabbed(walk.page) == []


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_gone_through_by_tab(something_to_see, walk, width):
    found = {}
    for path in walk.pages():
        walk.page.set_viewport_size({"width": width, "height": 900})
        if faults := tabbed(walk.page):
            found[path] = faults
    assert not found, "\n".join(f"{path}: {faults}" for path, faults in found.items())


def test_what_cannot_be_reached_or_seen_is_found(walk):
    walk.page.goto("about:blank")  # without the console's Content-Security-Policy
    walk.page.set_content(
        """<button>One</button><button style="outline: none">Two</button>
        <div inert><button tabindex="0">Three</button></div><button tabindex="5">Four</button>"""
    )
    faults = " ".join(tabbed(walk.page))
    assert "button Two: no mark" in faults
    assert "out of order" in faults


def test_first_key_leads_to_the_content(hub, walk):
    page = walk.page
    page.goto(f"{hub.url}/admin/mediator/channels/")
    page.keyboard.press("Tab")
    skip = page.locator("a.skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_menu_opens_and_closes_by_keys_on_a_narrow_window(hub, walk):
    page = walk.page
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{hub.url}/admin/")
    button, menu = page.get_by_role("button", name="Menu"), page.locator("#menu")
    button.focus()
    page.keyboard.press("Enter")
    expect(menu).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#menu') !== null")
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#menu").get_by_role("link", name="Channels", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/mediator/channels/")


def test_list_is_sorted_and_its_row_opened_by_keys(hub, walk, mediator):
    hub.new_channel("/keyboard/*", hub.new_mediator(mediator.url)["id"])
    page = walk.page
    page.goto(f"{hub.url}/admin/mediator/channels/")
    head = page.locator(".list thead th").first
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/mediator/channels/*/")


def test_dialog_is_answered_by_keys(hub, walk, mediator):
    channel = hub.new_channel("/dialog/*", hub.new_mediator(mediator.url)["id"])
    page, asked = walk.page, []
    page.goto(f"{hub.url}/admin/mediator/channels/{channel['id']}/")
    button = page.locator("form[data-confirm] button").first
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    button.focus()
    page.keyboard.press("Enter")
    assert len(asked) == 1
    expect(button).to_be_focused()
