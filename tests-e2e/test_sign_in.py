"""The console's address and the password that `make up` names let staff in, and nobody else."""

import jwt
import pytest
from browsers import Watched
from console import form_token, open_console, sign_in
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hub import unique


@pytest.fixture
def session(hub):
    with open_console(hub) as opened:
        yield opened


@pytest.fixture
def password(hub):
    return hub.stack.installation.admin_password


def lands_on(hub, session):
    """Where asking for the console leads."""
    return session.get(f"{hub.url}/admin/", timeout=10).url.removeprefix(hub.url)


def test_administrator_signs_in_and_out(hub, session, password):
    assert lands_on(hub, session) == "/admin/login/"
    answer = sign_in(hub, session, "admin", password)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/")

    page = session.get(f"{hub.url}/admin/", timeout=10)
    assert page.headers["Cache-Control"] == "no-store"
    assert "healthy" in page.text.lower()
    assert password not in page.text

    token = form_token(hub, session, "/admin/")
    answer = session.post(f"{hub.url}/admin/logout/", data={"csrf_token": token}, timeout=10)
    assert answer.url == f"{hub.url}/admin/login/"
    assert lands_on(hub, session) == "/admin/login/"


def test_wrong_password_is_refused(hub, session):
    answer = sign_in(hub, session, "admin", "not the password")

    assert answer.status_code == 403
    assert "do not match" in answer.text
    assert "not the password" not in answer.text
    assert lands_on(hub, session) == "/admin/login/"


def test_sixth_attempt_has_to_wait(hub, session):
    name = unique("nobody")
    statuses = [sign_in(hub, session, name, f"guess {n}").status_code for n in range(6)]

    assert statuses == [403] * 5 + [429]
    refused = sign_in(hub, session, name.upper(), "guess")
    assert 0 < int(refused.headers["Retry-After"]) <= 900


def test_form_without_its_token_is_refused(hub, session, password):
    def sent(origin, **form):
        form |= {"username": "admin", "password": password}
        return session.post(
            f"{hub.url}/admin/login/", data=form, headers={"Origin": origin}, timeout=10
        ).status_code

    assert sent(hub.url) == 403
    token = form_token(hub, session)
    assert sent(hub.url, csrf_token=token[::-1]) == 403
    assert sent("https://evil.example", csrf_token=token) == 403
    assert sent("null", csrf_token=token) == 403
    assert "kiungo_session" not in session.cookies


def test_forged_session_is_refused(hub, session, password):
    sign_in(hub, session, "admin", password)
    real = session.cookies["kiungo_session"]
    claims = jwt.decode(real, options={"verify_signature": False})
    header = {"kid": jwt.get_unverified_header(real)["kid"]}
    for forged in (
        jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", headers=header),
        jwt.encode(claims, None, "none", headers=header),
        hub.token,
    ):
        with open_console(hub) as other:
            other.cookies.set("kiungo_session", forged, path="/admin")
            assert lands_on(hub, other) == "/admin/login/"


def test_person_signs_in_and_out_in_a_browser(hub, browser, password):
    for width, scheme in ((1280, "light"), (390, "dark")):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        watched = Watched(context.new_page())
        page = watched.page

        page.goto(f"{hub.url}/admin/")
        assert page.url == f"{hub.url}/admin/login/"
        fits(page)
        # By keyboard alone: the first field has the focus, Enter sends.
        page.keyboard.type("admin")
        page.keyboard.press("Tab")
        page.keyboard.type(password)
        page.keyboard.press("Enter")

        page.wait_for_url(f"{hub.url}/admin/")
        assert page.get_by_role("heading", name="Health").is_visible()
        assert password not in page.content()
        fits(page)
        assert [cookie for cookie in context.cookies() if not cookie["httpOnly"]] == []

        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{hub.url}/admin/login/")
        page.goto(f"{hub.url}/admin/")
        assert page.url == f"{hub.url}/admin/login/"
        assert watched.problems == []
        assert watched.asked_elsewhere(hub.url) == set()
        context.close()


def test_browser_says_why_it_was_not_let_in(hub, browser):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{hub.url}/admin/login/")
    page.get_by_label("User name").fill(unique("nobody"))
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()

    assert page.get_by_role("alert").text_content() == "User name and password do not match."
    assert "not the password" not in page.content()
    fits(page)
    page.close()


def fits(page):
    """Nothing is wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
