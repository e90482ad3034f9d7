"""A small console of its own, and people who use it with a pass as nginx hands it on."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt
import marshmallow as ma
import pytest
from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import read_filters
from common.console.listing import listing
from common.console.pages import Pages, register_console
from common.console.rights import Area
from common.console.settings import ConsoleSettings
from common.console.staff import PASS_AUDIENCE, PASS_HEADER, StaffRole
from common.web.paging import Page
from common.web.problems import register_problem_handlers
from common.web.requests import register_request_context
from common.web.tokens import ALGORITHM, ISSUER, TokenVerifier
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask, render_template_string, request
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue

CSRF = "the session's token"
COLUMNS = [Column("Number", lambda row: row), Column("Text", lambda row: f"={row}")]


class NumberFilters(ma.Schema):
    """Which numbers."""

    least = ma.fields.Integer(load_default=0)


def numbers() -> ResponseReturnValue:
    """Those from `least` on."""
    filters = read_filters(NumberFilters())
    least = filters.values.get("least", 0)

    def fetch(limit: int, cursor: str | None) -> Page[int]:
        first = int(cursor or 119)
        rows = list(range(first, max(first - limit, least - 1), -1))
        return Page(rows, str(rows[-1] - 1) if rows and rows[-1] > least else None)

    return listing("pages/numbers.html", fetch, filters, csv_name="numbers", columns=COLUMNS)


class Issuer:
    """Signs passes, and is the source of the key that verifies them."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    def find(self, kid: str) -> Any:
        return self._key.public_key() if kid == "test" else None

    def page_pass(self, role: str, /, **changes: Any) -> str:
        claims = {
            "iss": ISSUER,
            "aud": PASS_AUDIENCE,
            "sub": str(uuid.uuid4()),
            "exp": int(time.time()) + 60,
            "name": "amina",
            "role": role,
            "csrf": CSRF,
            **changes,
        }
        return jwt.encode(claims, self._key, ALGORITHM, headers={"kid": "test"})


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def pages() -> Pages:
    """Pages for each role, and one that somebody added without saying for whom."""
    pages = Pages(__name__, "/admin/esb", area=Area.ESB)

    @pages.page("/")
    def index() -> str:
        return render_template_string('{% extends "console/layout.html" %}')

    @pages.page("/keys/", StaffRole.ADMIN)
    def keys() -> str:
        return "keys"

    @pages.act("/send/", StaffRole.OPERATOR)
    def send() -> str:
        flash(f"Sent {request.form.get('what', '')}.")
        return "sent"

    pages.page("/numbers/")(numbers)
    pages.add_url_rule("/forgotten/", view_func=lambda: "x", endpoint="forgotten")
    return pages


@pytest.fixture
def app(pages: Pages, issuer: Issuer) -> Flask:
    app = Flask(__name__)
    app.extensions["kiungo-tokens"] = TokenVerifier(issuer)
    register_problem_handlers(app)
    register_request_context(app)
    register_console(app, pages, ConsoleSettings(trusted_origins=("https://portal.example",)))
    return app


@pytest.fixture
def as_role(app: Flask, issuer: Issuer) -> Callable[..., FlaskClient]:
    """A browser of somebody with this role."""

    def client(role: str, /, **claims: Any) -> FlaskClient:
        made = app.test_client()
        made.environ_base["HTTP_" + PASS_HEADER.upper().replace("-", "_")] = issuer.page_pass(
            role, **claims
        )
        return made

    return client


@pytest.fixture
def csrf() -> dict[str, str]:
    """The field that every form carries."""
    return {"csrf_token": CSRF}
