"""The simulator's token server: counts what it grants, and can be told to be odd."""

import base64
import binascii
import json
import secrets
import threading
import time
from typing import Any
from urllib.parse import parse_qs

from esb_relay.demo.http_server import Reply, Request
from esb_relay.demo.replies import answer, silence

DEFAULT_LIFE_S = 3600


class TokenServer:
    """Grants tokens to one client, and knows which are good.

    `oddities` may hold `status` (of every answer), `expires_in` (as it is to be sent; "absent"
    leaves it out), `delay_s`, `body` (sent instead of a grant) and `silent`.
    """

    def __init__(self, client_id: str, secret: str) -> None:
        self.oddities: dict[str, Any] = {}
        self.granted = 0
        self._client = (client_id, secret)
        self._good: set[str] = set()
        self._lock = threading.Lock()

    def serve(self, request: Request) -> Reply:
        """Answer a token request."""
        with self._lock:
            self.granted += 1
            odd = dict(self.oddities)
        time.sleep(float(odd.get("delay_s", 0)))
        if odd.get("silent"):
            return silence
        if "status" in odd:
            return answer(b"{}", status=int(odd["status"]), headers=odd.get("headers"))
        if "body" in odd:
            return answer(str(odd["body"]).encode())
        if not self._knows(request):
            return answer(b'{"error":"invalid_client"}', status=401)
        return answer(json.dumps(self._grant(odd.get("expires_in", DEFAULT_LIFE_S))).encode())

    def accepts(self, authorization: str) -> bool:
        """Whether `Authorization` holds a token that is still good."""
        scheme, _, token = authorization.partition(" ")
        return scheme == "Bearer" and token in self._good

    def revoke_all(self) -> None:
        """Every token granted so far is no longer good."""
        with self._lock:
            self._good.clear()

    def _grant(self, expires_in: object) -> dict[str, object]:
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._good.add(token)
        grant: dict[str, object] = {"access_token": token, "token_type": "Bearer", "jti": "unasked"}
        return grant if expires_in == "absent" else {**grant, "expires_in": expires_in}

    def _knows(self, request: Request) -> bool:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            basic = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        client_id, secret = self._client
        return (
            scheme == "Basic"
            and basic == f"{client_id}:{secret}"
            and (form.get("client_id"), form.get("client_secret")) == self._client
            and bool(form.get("grant_type"))
        )
