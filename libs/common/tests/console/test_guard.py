"""Who gets to which page, whose forms are taken, what the browser is told."""

import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

BASE = "/admin/esb"


@pytest.mark.parametrize(
    ("role", "statuses"),
    [("viewer", (200, 403, 403)), ("operator", (200, 403, 200)), ("admin", (200, 200, 200))],
)
def test_role_opens_its_pages_and_no_others(as_role, csrf, role, statuses):
    client = as_role(role)

    answers = (
        client.get(f"{BASE}/"),
        client.get(f"{BASE}/keys/"),
        client.post(f"{BASE}/send/", data=csrf),
    )

    assert tuple(answer.status_code for answer in answers) == statuses


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_page_that_names_no_role_is_closed_to_all(as_role, role):
    assert as_role(role).get(f"{BASE}/forgotten/").status_code == 403


@pytest.mark.parametrize("path", ["/", "/keys/", "/forgotten/", "/nothing/", "/static/x.js"])
def test_stranger_is_led_to_the_login_page(app, path):
    answer = app.test_client().get(f"{BASE}{path}?a=b")

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/admin/login/?next=/admin/esb{path}%3Fa%3Db"


def test_part_of_a_page_leads_the_whole_window_to_the_login_page(app):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/admin/esb/?a=b"}

    answer = app.test_client().get(f"{BASE}/keys/", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/admin/login/?next=/admin/esb/%3Fa%3Db"


@pytest.mark.parametrize(
    "changes",
    [{"exp": int(time.time()) - 60}, {"aud": "kiungo-console"}, {"role": "king"}, {"sub": "x"}],
)
def test_pass_that_is_over_or_another_kind_of_token_opens_nothing(as_role, changes):
    assert as_role("admin", **changes).get(f"{BASE}/").status_code == 303


def test_forged_pass_opens_nothing(app, issuer):
    real = issuer.page_pass("admin")
    claims = jwt.decode(real, options={"verify_signature": False})
    forged = jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", headers={"kid": "test"})

    for token in (forged, "x.y.z", "é"):
        answer = app.test_client().get(f"{BASE}/", headers={"X-Kiungo-Staff": token})
        assert answer.status_code == 303


@pytest.mark.parametrize("form", [{}, {"csrf_token": ""}, {"csrf_token": "x"}])
def test_form_without_the_sessions_token_is_refused(as_role, form):
    answer = as_role("admin").post(f"{BASE}/send/", data=form)

    assert (answer.status_code, answer.mimetype) == (403, "text/html")
    assert "out of date" in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "https://portal.example"}, 200),
        ({"Origin": "http://hub.example", "X-Forwarded-Host": "hub.example"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Referer": "https://evil.example/admin/"}, 403),
    ],
)
def test_form_comes_from_our_own_pages(as_role, csrf, headers, status):
    answer = as_role("admin").post(f"{BASE}/send/", data=csrf, headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing/"), ("POST", "/keys/")])
def test_what_is_no_page_says_so(as_role, csrf, method, path):
    data = csrf if method == "POST" else None

    answer = as_role("admin").open(f"{BASE}{path}", method=method, data=data)

    assert answer.status_code == 404
    assert answer.headers["X-Correlation-Id"] in answer.text


@pytest.mark.parametrize("path", ["/", "/nothing/", "/forgotten/"])
def test_every_page_tells_the_browser_to_be_strict(as_role, path):
    headers = as_role("admin").get(f"{BASE}{path}").headers

    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"


def test_problem_of_a_part_of_a_page_stays_a_problem(as_role):
    answer = as_role("viewer").get(f"{BASE}/keys/", headers={"HX-Request": "true"})

    assert answer.status_code == 403
    assert "viewer" in answer.get_json()["detail"]


def test_line_is_shown_once_on_the_next_page(as_role, csrf):
    client = as_role("operator")
    client.post(f"{BASE}/send/", data={**csrf, "what": "<b>it</b>"})

    assert "Sent &lt;b&gt;it&lt;/b&gt;." in client.get(f"{BASE}/").text
    assert "Sent" not in client.get(f"{BASE}/").text


@pytest.mark.parametrize("cookie", ["x", "W10=", "eyJhIjoxfQ==", "é"])
def test_broken_line_is_no_line(as_role, cookie):
    client = as_role("viewer")
    client.set_cookie("kiungo_flash", cookie, path="/admin")

    assert client.get(f"{BASE}/").status_code == 200


def test_menu_shows_what_is_installed_and_what_one_may_open(as_role):
    installed = {"X-Kiungo-Services": "esb=127.0.0.1:8082 notification= policy-notification="}
    viewer, admin = (
        as_role(role).get(f"{BASE}/", headers=installed).text for role in ("viewer", "admin")
    )

    assert 'href="/admin/esb/" aria-current="page"' in viewer
    assert "/admin/esb/exchanges/" in viewer
    assert "/admin/notification/" not in viewer
    assert "/admin/mediator/staff/" not in viewer
    assert "/admin/mediator/staff/" in admin


def test_installation_shows_its_own_emblem(app, as_role):
    console = app.extensions["kiungo-console"]
    vars(console.settings)["emblem_logo"] = "/brand/logo.png"

    assert 'src="/brand/logo.png"' in as_role("viewer").get(f"{BASE}/").text
