"""One console over all services: one session, one menu, the same rules on every service's pages."""

from urllib.parse import unquote

import pytest
from browsers import Watched
from console import form_token, open_console, sign_in, signed_in, staff_of

ESB = "/admin/esb/"
POLICY = "/admin/policy-notification/"
RUN = f"{POLICY}runs/"
SERVICES = [ESB, POLICY]


def asked(hub, session, path, **options):
    return session.get(hub.url + path, allow_redirects=False, timeout=10, **options)


def sent(hub, session, path, **form):
    headers = form.pop("headers", {"Origin": hub.url})
    return session.post(
        hub.url + path, data=form, headers=headers, allow_redirects=False, timeout=10
    )


@pytest.mark.parametrize("path", SERVICES)
def test_stranger_signs_in_first_and_comes_back(hub, path):
    _, username, password = staff_of(hub, "viewer")
    with open_console(hub) as session:
        away = asked(hub, session, path, params={"since": "2026-11-22T15:00Z"})
        assert away.status_code == 303
        assert away.headers["Location"].startswith("/admin/login/?next=")
        assert sent(hub, session, path).status_code == 303

        form = session.get(hub.url + away.headers["Location"], timeout=10).text
        wanted = form.partition('name="next" value="')[2].partition('"')[0]
        assert unquote(wanted) == f"{path}?since=2026-11-22T15:00Z"
        assert sign_in(hub, session, username, password).status_code == 303
        assert asked(hub, session, path).status_code == 200


@pytest.mark.parametrize("path", SERVICES)
def test_session_that_ended_opens_no_services_page(hub, path):
    member, username, password = staff_of(hub, "admin")
    with open_console(hub) as session:
        sign_in(hub, session, username, password)
        copy = session.cookies["kiungo_session"]
        token = form_token(hub, session, path)
        assert sent(hub, session, "/admin/logout/", csrf_token=token).status_code == 303
        session.cookies.set("kiungo_session", copy, path="/admin")
        assert asked(hub, session, path).status_code == 303

    with open_console(hub) as session:
        sign_in(hub, session, username, password)
        assert asked(hub, session, path).status_code == 200
        hub.api("PATCH", f"staff/{member}/", 200, json={"is_active": False})
        assert asked(hub, session, path).status_code == 303


def test_role_counts_on_a_services_page_as_soon_as_it_changes(hub):
    member, username, password = staff_of(hub, "operator")
    with open_console(hub) as session:
        sign_in(hub, session, username, password)
        page = asked(hub, session, POLICY)
        assert "Run now" in page.text
        token = form_token(hub, session, POLICY)
        hub.api("PATCH", f"staff/{member}/", 200, json={"role": "viewer"})

        refused = sent(hub, session, RUN, csrf_token=token)

        assert refused.status_code == 403
        assert "role (viewer)" in refused.text
        assert "Run now" not in asked(hub, session, POLICY).text


def test_viewer_changes_nothing_by_a_forged_form(hub):
    with signed_in(hub, "viewer") as session:
        before = asked(hub, session, POLICY).text.count("asked for by")
        token = form_token(hub, session, POLICY)

        assert "Run now" not in asked(hub, session, POLICY).text
        assert sent(hub, session, RUN, csrf_token=token).status_code == 403
        assert asked(hub, session, POLICY).text.count("asked for by") == before


def test_services_form_needs_its_token_and_its_origin(hub):
    with signed_in(hub, "operator") as session, signed_in(hub, "operator") as other:
        token = form_token(hub, session, POLICY)
        elsewhere = {"Origin": "https://evil.example"}

        assert sent(hub, session, RUN).status_code == 403
        assert sent(hub, session, RUN, csrf_token=token[::-1]).status_code == 403
        foreign = form_token(hub, other, POLICY)
        assert sent(hub, session, RUN, csrf_token=foreign).status_code == 403
        assert sent(hub, session, RUN, csrf_token=token, headers=elsewhere).status_code == 403
        assert sent(hub, session, RUN, csrf_token=token).status_code == 303
        assert "The run is asked for" in asked(hub, session, POLICY).text
        assert "The run is asked for" not in asked(hub, session, POLICY).text


def test_browser_never_sees_the_pass_of_a_page(hub):
    with signed_in(hub, "admin") as session:
        for path in (ESB, "/admin/session/"):
            answer = asked(hub, session, path, headers={"X-Kiungo-Staff": "x"})
            assert "X-Kiungo-Staff" not in answer.headers


def test_claimed_pass_opens_nothing(hub):
    with open_console(hub) as session:
        for claimed in ("x.y.z", hub.token):
            answer = asked(hub, session, ESB, headers={"X-Kiungo-Staff": claimed})
            assert answer.status_code == 303


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_console_is_walked_over_all_services(hub, browser, width, scheme):
    _, username, password = staff_of(hub, "admin")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    watched = Watched(context.new_page())
    page = watched.page
    page.goto(f"{hub.url}{ESB}")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url(f"{hub.url}{ESB}")

    for section, title in (
        ("Policy notification", "Policy notification"),
        ("Notification", "Notification"),
        ("Gateway", "Dashboard"),
    ):
        if width < 960:
            page.get_by_role("button", name="Menu").click()
        page.get_by_role("list", name=section, exact=True).get_by_role("link").first.click()
        page.get_by_role("heading", name=title, level=1).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if width < 960:
        page.get_by_role("button", name="Menu").click()
    current = page.locator("#menu [aria-current=page]")
    assert current.all_text_contents() == ["Dashboard"]

    assert watched.problems == []
    assert watched.asked_elsewhere(hub.url) == set()
    context.close()
