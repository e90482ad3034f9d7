"""`/oauth/token` and `/.well-known/jwks.json`: access tokens and the keys that prove them."""

from typing import Any

from common.web.api import Blueprint
from flask import jsonify, request
from flask.typing import ResponseReturnValue

from proxy.access.caller import caller_address, caller_certificate
from proxy.access.tokens import GRANT_TYPE, GrantError, TokenRequest, grant
from proxy.container import container
from proxy.gateway.callers import Credentials
from proxy.schemas.tokens import JwksOut, TokenErrorOut, TokenOut

blp = Blueprint("tokens", __name__)

JWKS_MAX_AGE_S = 300
_NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_FORM = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {
                "type": "object",
                "required": ["grant_type"],
                "properties": {
                    "grant_type": {"type": "string", "enum": [GRANT_TYPE]},
                    "client_id": {"type": "string"},
                    "client_secret": {"type": "string", "format": "password"},
                    "scope": {"type": "string", "description": "Default: all of the client's"},
                },
            },
            "example": {"grant_type": GRANT_TYPE, "scope": "proxy:read"},
        }
    },
}


@blp.route("/oauth/token", methods=["POST"])
@blp.public
@blp.response(200, TokenOut)
@blp.alt_response(400, schema=TokenErrorOut, description="RFC 6749 §5.2")
@blp.alt_response(401, schema=TokenErrorOut, description="RFC 6749 §5.2, `invalid_client`")
@blp.alt_response(413, "PROBLEM_413")
@blp.alt_response(429, "PROBLEM_429")
@blp.doc(requestBody=_FORM, security=[{"client_basic": []}, {}])
def fetch_token() -> ResponseReturnValue:
    """Fetch an access token by client credentials: HTTP Basic, members of the form, or over TLS a
    certificate of the client's (RFC 8705).
    """
    try:
        return grant(container(), _token_request()), 200, _NOT_STORED
    except GrantError as exc:
        answer = jsonify(error=exc.error, error_description=str(exc))
        headers = dict(_NOT_STORED)
        if exc.error == "invalid_client":
            headers["WWW-Authenticate"] = 'Basic realm="Kiungo", charset="UTF-8"'
        return answer, 401 if exc.error == "invalid_client" else 400, headers


def _token_request() -> TokenRequest:
    given = request.authorization
    basic = None
    if given is not None and given.type == "basic":
        basic = Credentials(given.username or "", given.password or "")
    form = request.form.to_dict(flat=False)
    return TokenRequest(form, basic, caller_address(), caller_certificate())


@blp.route("/.well-known/jwks.json", methods=["GET"])
@blp.public
@blp.response(200, JwksOut)
def jwks() -> tuple[dict[str, Any], dict[str, str]]:
    """The public keys that access tokens are signed with (RFC 7517)."""
    return container().signer.jwks(), {"Cache-Control": f"public, max-age={JWKS_MAX_AGE_S}"}
