"""`/health/`, `/`, `/favicon.ico` and `/tester/`: is the hub well, and where to find what."""

from typing import Any

from common.clock import utc_now
from common.web.api import Blueprint
from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from proxy.checks.health import check_all
from proxy.container import container
from proxy.schemas.health import HealthOut, IndexOut

blp = Blueprint("hub", __name__)

ADDRESSES = {
    "documentation": "/api/docs/",
    "console": "/admin/",
    "health": "/health/",
    "token": "/oauth/token",
    "token_keys": "/.well-known/jwks.json",
    "management_api": "/api/proxy/",
    "call_by_channel": "/integration/call",
    "call_state": "/transactions/<correlation_id>/",
    "tester": "/tester/",
}


@blp.route("/health/", methods=["GET"])
@blp.public
@blp.response(200, HealthOut)
@blp.alt_response(503, schema=HealthOut, description="A part does not answer")
def health() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Whether the hub is well; its parts are asked when the installation says so."""
    parts = check_all(container())
    ok = all(part["ok"] for part in parts.values())
    listeners = parts.pop("listeners")
    body = {"ok": ok, "timestamp": utc_now(), "services": parts, "listeners": listeners}
    return body, 200 if ok else 503, {"Cache-Control": "no-store"}


@blp.route("/", methods=["GET"])
@blp.public
@blp.response(200, IndexOut)
def index() -> dict[str, Any]:
    """The addresses of the hub."""
    return {
        "name": "Kiungo",
        "service": "kiungo",
        "status": "ok",
        "addresses": ADDRESSES,
        "endpoints": ADDRESSES,
    }


@blp.route("/favicon.ico", methods=["GET"])
@blp.public
@blp.response(302, description="Where the icon is")
def favicon() -> ResponseReturnValue:
    """Lead browsers to the installation's icon."""
    return redirect(container().settings.emblem_favicon)


@blp.route("/tester/", methods=["GET"])
@blp.public
@blp.response(302, description="Where the tester is")
def tester() -> ResponseReturnValue:
    """Lead operators to the integration tester in the console."""
    return redirect(url_for("console.tester"))
