"""Hub routes that API clients use with their channel credentials instead of a token."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Response, g, request

from proxy.gateway.admission import claimed_credentials
from proxy.gateway.refusals import Refusal
from proxy.gateway.refused import refusal_reply
from proxy.parts import gateway

View = TypeVar("View", bound=Callable[..., Any])

_SECURITY: list[dict[str, list[str]]] = [
    {"client_basic": []},
    {"client_id": [], "client_secret": []},
]
SECURITY_SCHEMES: dict[str, dict[str, str]] = {
    "client_basic": {"type": "http", "scheme": "basic"},
    "client_id": {"type": "apiKey", "in": "header", "name": "X-Client-Id"},
    "client_secret": {"type": "apiKey", "in": "header", "name": "X-Client-Secret"},
}


def with_client_credentials(view: View) -> View:
    """Decorator (outermost): who asks must pass steps 1–3 of a call.

    The view finds the client as `g.client` and the request, as a call, as `g.edge`.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        g.edge = gateway().read_call(request.environ)
        g.client = gateway().authenticate(g.edge, claimed_credentials(g.edge.headers))
        return view(*args, **kwargs)

    documented = {**getattr(view, "_apidoc", {})}
    documented["manual_doc"] = {
        **documented.get("manual_doc", {}),
        "security": _SECURITY,
        "responses": {401: "PROBLEM_401", 403: "PROBLEM_403"},
    }
    guarded._apidoc = documented  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


def register_refusals(app: Flask) -> None:
    """Answer refusals inside Flask as the gateway does."""

    @app.errorhandler(Refusal)
    def _refused(refusal: Refusal) -> Response:
        reply = refusal_reply(refusal, g.trail.correlation_id)
        return Response(reply.body, reply.status, reply.headers)
