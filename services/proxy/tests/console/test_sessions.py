"""Staff sessions: what the token says, how long it lasts, what ends it."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from common.console.staff import StaffRole
from common.errors import Unauthenticated
from common.web.tokens import TokenVerifier
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from proxy.console.sessions import AUDIENCE, Proof, StaffSession, read_token
from proxy.container import Container
from proxy.models import StaffUser
from werkzeug.test import TestResponse

HOUR = 3600


@pytest.fixture
def now() -> int:
    return int(time.time())


def come_back(browser: Any, **changes: int) -> TestResponse:
    """Ask for the landing page with the session's token as changed, signed by the hub's key."""
    claims = {**browser.claims, **changes}
    subject, audience = claims.pop("sub"), claims.pop("aud")
    browser.session = browser.container.signer.sign(subject, 60, audience=audience, **claims)
    answer: TestResponse = browser.get()
    return answer


def test_session_cookie_is_for_the_console_and_no_script(
    browser: Any, member: dict[str, Any]
) -> None:
    cookies = browser.sign_in().headers.getlist("Set-Cookie")
    cookie = next(value for value in cookies if value.startswith("kiungo_session="))

    flags = {part.strip() for part in cookie.split(";")[1:]}
    assert flags == {"HttpOnly", "Path=/admin", "SameSite=Lax"}
    claims = browser.claims
    assert (claims["name"], claims["role"], claims["sub"]) == ("amina", "operator", member["id"])
    assert claims["exp"] - claims["iat"] == 30 * 60


def test_cookies_are_secure_when_the_browser_came_by_https(
    browser: Any, member: dict[str, Any]
) -> None:
    https = {"X-Forwarded-Proto": "https"}
    at_home = {"base_url": "https://localhost", "headers": https}
    answers = [browser.get("/admin/login/", **at_home), browser.sign_in(**at_home)]

    for answer in answers:
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-kiungo_")
        assert {"Secure", "Path=/"} <= set(cookie.split("; "))


def test_session_is_renewed_by_use(signed_in: Any, now: int) -> None:
    assert "Set-Cookie" not in signed_in.get().headers

    come_back(signed_in, iat=now - 1200, exp=now + 600, auth_time=now - HOUR)

    assert signed_in.claims["exp"] >= now + 30 * 60
    assert signed_in.claims["auth_time"] == now - HOUR


def test_idle_session_is_over(signed_in: Any, now: int) -> None:
    assert come_back(signed_in, iat=now - 1900, exp=now - 11).status_code == 303


def test_session_is_never_renewed_past_twelve_hours(signed_in: Any, now: int) -> None:
    began = now - 12 * HOUR + 600

    come_back(signed_in, iat=now - 120, exp=now + 600, auth_time=began)

    assert signed_in.claims["exp"] <= began + 12 * HOUR + 1


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another long one"}, None])
def test_session_ends_when_its_member_leaves_or_changes_password(
    signed_in: Any, api: Any, member: dict[str, Any], change: dict[str, Any] | None
) -> None:
    assert signed_in.get().status_code == 200
    path = f"staff/{member['id']}/"

    _ = api.patch(path, change) if change else api.delete(path)

    assert signed_in.get().status_code == 303


def test_changed_role_is_in_the_token_at_once(
    signed_in: Any, api: Any, member: dict[str, Any]
) -> None:
    api.patch(f"staff/{member['id']}/", {"role": "admin"})

    assert "admin" in signed_in.get().text
    assert signed_in.claims["role"] == "admin"


def test_signing_out_ends_the_session_for_every_copy(signed_in: Any) -> None:
    copy = signed_in.session

    answer = signed_in.sign_out(csrf_token=signed_in.form_token("/admin/"))

    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/login/")
    assert signed_in.session is None
    signed_in.session = copy
    assert signed_in.get().status_code == 303


def test_other_tokens_of_the_hub_are_no_session(
    signed_in: Any, container: Container, member: dict[str, Any]
) -> None:
    claims = signed_in.claims
    kid = jwt.get_unverified_header(signed_in.session)["kid"]
    signed_in.session = ""
    signed_in.get("/admin/login/")
    login = signed_in.client.get_cookie("kiungo_login", path="/admin/login").value
    for token in (
        jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", headers={"kid": kid}),
        jwt.encode(claims, None, "none", headers={"kid": kid}),
        container.signer.sign(member["id"], 60, scope="proxy:admin"),
        container.signer.sign(member["id"], 60, audience=AUDIENCE),
        login,
        "x.y.z",
        "é",
    ):
        signed_in.session = token
        assert signed_in.get().status_code == 303


def test_session_is_no_access_token(signed_in: Any) -> None:
    bearer = {"Authorization": f"Bearer {signed_in.session}"}

    assert signed_in.get("/api/proxy/staff/", headers=bearer).status_code == 401


def test_token_tells_all_that_a_session_is(app: Flask, container: Container) -> None:
    member = StaffUser(
        id=uuid.uuid4(), username="amina", role=StaffRole.VIEWER, password_hash="scrypt:x"
    )
    began = datetime.now(UTC).replace(microsecond=0)
    session = StaffSession.begin(member, Proof.CODE, began)
    token = session.token(container.signer, timedelta(minutes=5), began)
    verifier = TokenVerifier(container.signer)

    read = read_token(verifier, token)

    assert (read.id, read.staff_id, read.began_at) == (session.id, member.id, began)
    assert (read.csrf, read.password_mark) == (session.csrf, session.password_mark)
    assert read.proof is Proof.CODE
    assert session.csrf not in repr(session)
    with pytest.raises(Unauthenticated):
        verifier.claims(token)  # not good for the APIs
