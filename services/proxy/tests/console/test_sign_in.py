"""The console's door: who gets in, where that leads, what the browser is told."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from proxy.config import Settings
from proxy.console.branding import warn_of_missing
from proxy.console.local_paths import local_path
from proxy.container import Container
from proxy.models import StaffUser
from structlog.testing import capture_logs

PASSWORD = "correct horse battery"
LOGIN = "/admin/login/"


def test_member_signs_in_and_sees_who_they_are(
    browser: Any, member: dict[str, Any], container: Container
) -> None:
    answer = browser.sign_in()
    page = browser.get(answer.headers["Location"])

    assert answer.headers["Location"] == "/admin/"
    assert page.status_code == 200
    assert "amina" in page.text
    assert "operator" in page.text
    with container.database.reading() as session:
        stored = session.get(StaffUser, uuid.UUID(member["id"]))
        assert stored is not None
        assert stored.last_login_at is not None
        assert stored.updated_at.isoformat()[:26] == member["updated_at"][:26]


@pytest.mark.parametrize("path", ["/admin/", "/admin", "/admin/nothing/", "/admin/?a=b"])
def test_stranger_is_sent_to_the_login_page_and_comes_back(
    browser: Any, member: dict[str, Any], path: str
) -> None:
    sent = browser.get(path)
    form = browser.get(sent.headers["Location"]).text
    wanted = form.partition('name="next" value="')[2].partition('"')[0]

    assert sent.status_code == 303
    back = browser.sign_in(next=wanted).headers["Location"]
    assert back.rstrip("/") == path.rstrip("/")


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/admin/", "/admin/"),
        ("/admin/mediator/?page=2&q=%C3%A9", "/admin/mediator/?page=2&q=%C3%A9"),
        ("", "/admin/"),
        ("https://example.org/", "/admin/"),
        ("//example.org/admin/", "/admin/"),
        ("/\\example.org", "/admin/"),
        ("/admin/\\example.org", "/admin/"),
        ("/admin/\r\nSet-Cookie: a=b", "/admin/"),
        ("/admin/\n", "/admin/"),
        ("/admin/../api/", "/admin/"),
        ("/admin/%2e%2e/api/", "/admin/"),
        ("/administration/", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
    ],
)
def test_login_leads_to_the_console_only(wanted: str, leads_to: str) -> None:
    assert local_path(wanted) == leads_to


@pytest.mark.parametrize(
    ("username", "password"),
    [("amina", "wrong"), ("nobody", PASSWORD), ("amina", ""), ("", ""), ("am\x00ina", PASSWORD)],
)
def test_rejection_does_not_say_which_part_was_wrong(
    browser: Any, member: dict[str, Any], username: str, password: str
) -> None:
    answer = browser.sign_in(password, username=username)

    assert answer.status_code == 403
    assert "User name and password do not match." in answer.text
    assert PASSWORD not in answer.text
    assert browser.session is None
    assert browser.get().status_code == 303


def test_member_who_was_let_go_does_not_get_in(browser: Any, api: Any) -> None:
    api.made("staff", **api.a_member(is_active=False))

    assert browser.sign_in().status_code == 403


@pytest.mark.parametrize("path", [LOGIN, "/admin/", "/admin/nothing/", "/admin/static/nothing"])
def test_every_page_tells_the_browser_to_be_strict(signed_in: Any, path: str) -> None:
    headers = signed_in.get(path).headers

    assert headers["Content-Security-Policy"] == (
        "default-src 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'; "
        "base-uri 'none'"
    )
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_errors_are_pages_with_a_reference(signed_in: Any) -> None:
    missing = signed_in.get("/admin/nothing/")
    too_large = signed_in.sign_out(csrf_token="x" * 1_100_000)

    assert (missing.status_code, missing.mimetype) == (404, "text/html")
    assert missing.headers["X-Correlation-Id"] in missing.text
    assert (too_large.status_code, too_large.mimetype) == (413, "text/html")


def test_icon_of_the_hub_is_there(browser: Any) -> None:
    for path, media_type in (
        (browser.get("/favicon.ico").headers["Location"], "image/svg+xml"),
        ("/admin/static/console.css", "text/css"),
    ):
        with browser.get(path) as answer:
            assert (answer.status_code, answer.mimetype) == (200, media_type)


def test_installation_shows_its_own_emblems(
    app: Flask, container: Container, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {
        f"EMBLEM_{name}_STATIC_PATH": f"/brand/{name}.png" for name in ("LOGO", "LOGIN", "ICON")
    }
    own = Settings.read(environ)
    for name in ("emblem_logo", "emblem_login", "emblem_icon"):
        monkeypatch.setitem(vars(container.settings), name, getattr(own, name))

    page = browser.get(LOGIN).text

    assert all(f'="{path}"' in page for path in environ.values())


@pytest.mark.parametrize("path", ["https://example.org/x.png", "//example.org/x.png", "../x.png"])
def test_emblem_from_another_host_stops_the_start(path: str) -> None:
    with pytest.raises(Exception, match="EMBLEM_LOGO_STATIC_PATH"):
        Settings.read({"EMBLEM_LOGO_STATIC_PATH": path})


def test_picture_beside_the_settings_is_served(
    container: Container, browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"EMBLEM_LOGO_STATIC_PATH": "branding/logo.png", "BRANDING_DIR": str(tmp_path)}
    own = Settings.read(environ)
    assert own.emblem_logo == "/admin/branding/branding/logo.png"
    monkeypatch.setitem(vars(container.settings), "branding_dir", own.branding_dir)
    assert browser.get(own.emblem_logo).status_code == 404
    (tmp_path / "branding").mkdir()
    (tmp_path / "branding" / "logo.png").write_bytes(b"png")
    with browser.get(own.emblem_logo) as answer:
        assert (answer.status_code, answer.data) == (200, b"png")
    assert browser.get("/admin/branding/..%2f..%2fetc%2fpasswd").status_code == 404


def test_picture_that_is_named_and_not_there_is_a_warning(
    tmp_path: Path,
) -> None:
    environ = {"EMBLEM_LOGO_STATIC_PATH": "branding/logo.png", "BRANDING_DIR": str(tmp_path)}
    with capture_logs() as said:
        warn_of_missing(Settings.read(environ))
    assert [one["event"] for one in said] == ["branding_file_missing"]
