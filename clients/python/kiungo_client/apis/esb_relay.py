"""ESB relay: written by `tools/client_code.py`, not by hand."""

from typing import Any, Literal

from kiungo_client.apis.base import JSON, Api, Json, Record


class EsbRelay(Api):
    """The operations of ESB relay."""

    OPERATIONS = {
        "relay": "relay",
        "sign": "sign",
        "verify": "verify",
        "encrypt": "encrypt",
        "decrypt": "decrypt",
        "list_exchanges": "list_exchanges",
        "read_exchange": "read_exchange",
        "list_keys": "list_keys",
        "read_public_key": "read_public_key",
        "CallbackRoutes_get": "callback_routes_get",
        "CallbackRoutes_post": "callback_routes_post",
        "OneCallbackRoute_get": "one_callback_route_get",
        "OneCallbackRoute_patch": "one_callback_route_patch",
        "OneCallbackRoute_delete": "one_callback_route_delete",
        "queue": "queue",
        "list_audit_events": "list_audit_events",
        "take_call": "take_call",
    }

    def relay(self, body: Json, *, x_organization: str | None = None) -> Record:
        """Sign, send and verify; `body` and `esb_body` keep their spelling."""
        answer: Record = self._ask(
            "relay",
            "POST",
            "/api/esb/relay/",
            headers={"X-Organization": x_organization},
            body=body,
            media_type=JSON,
        )
        return answer

    def sign(
        self,
        body: Json | bytes | str | None = None,
        media_type: Literal["application/json", "application/xml"] = "application/json",
        *,
        code: str,
        mode: Literal["normal", "push", "nida"] | None = None,
        user_id: str | None = None,
    ) -> Any:
        """Sign a raw `esbBody` (JSON or XML by content type): the envelope, as it would be sent."""
        answer: Any = self._ask(
            "sign",
            "POST",
            "/api/esb/sign/",
            query={"mode": mode, "code": code, "user_id": user_id},
            body=body,
            media_type=media_type,
        )
        return answer

    def verify(
        self,
        body: Json | bytes | str | None = None,
        media_type: Literal[
            "application/json", "application/xml", "application/octet-stream"
        ] = "application/json",
        *,
        key: str | None = None,
    ) -> Record:
        """Check a raw envelope; always 200 for anything that was read."""
        answer: Record = self._ask(
            "verify",
            "POST",
            "/api/esb/verify/",
            query={"key": key},
            body=body,
            media_type=media_type,
        )
        return answer

    def encrypt(
        self,
        body: Json | bytes | str | None = None,
        media_type: Literal[
            "application/octet-stream", "application/json", "application/xml"
        ] = "application/octet-stream",
        *,
        to: str,
    ) -> Record:
        """Encrypt raw bytes for one recipient."""
        answer: Record = self._ask(
            "encrypt",
            "POST",
            "/api/esb/encrypt/",
            query={"to": to},
            body=body,
            media_type=media_type,
        )
        return answer

    def decrypt(self, body: Json | None = None) -> Any:
        """Decrypt what was encrypted for us: the raw bytes."""
        answer: Any = self._ask("decrypt", "POST", "/api/esb/decrypt/", body=body, media_type=JSON)
        return answer

    def list_exchanges(
        self,
        *,
        code: str | None = None,
        correlation_id: str | None = None,
        cursor: str | None = None,
        direction: Literal["outgoing", "incoming"] | None = None,
        limit: int | None = None,
        mode: Literal["normal", "push", "nida", "async", "callback"] | None = None,
        organization: str | None = None,
        request_id: str | None = None,
        since: str | None = None,
        status: Literal[
            "sending", "succeeded", "failed", "not_sent", "refused", "unverifiable", "unknown"
        ]
        | None = None,
        until: str | None = None,
    ) -> Record:
        """List exchanges, newest first, without bodies."""
        answer: Record = self._ask(
            "list_exchanges",
            "GET",
            "/api/esb/exchanges/",
            query={
                "direction": direction,
                "mode": mode,
                "status": status,
                "code": code,
                "organization": organization,
                "request_id": request_id,
                "correlation_id": correlation_id,
                "since": since,
                "until": until,
                "limit": limit,
                "cursor": cursor,
            },
        )
        return answer

    def read_exchange(self, exchange_id: str) -> Record:
        """Read an exchange with everything that is on record."""
        answer: Record = self._ask("read_exchange", "GET", "/api/esb/exchanges/{}/", exchange_id)
        return answer

    def list_keys(self) -> Record:
        """List what is configured: ours, GovESB's, other recipients'."""
        answer: Record = self._ask("list_keys", "GET", "/api/esb/keys/")
        return answer

    def read_public_key(
        self, kid: str, *, encoding: Literal["pem", "der", "der_b64"] | None = None
    ) -> Any:
        """Hand a public key out."""
        answer: Any = self._ask(
            "read_public_key", "GET", "/api/esb/keys/{}/public/", kid, query={"encoding": encoding}
        )
        return answer

    def callback_routes_get(self, *, cursor: str | None = None, limit: int | None = None) -> Record:
        """List routes, newest first."""
        answer: Record = self._ask(
            "CallbackRoutes_get",
            "GET",
            "/api/esb/routes/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def callback_routes_post(self, body: Json) -> Record:
        """Open a route for the bus."""
        answer: Record = self._ask(
            "CallbackRoutes_post", "POST", "/api/esb/routes/", body=body, media_type=JSON
        )
        return answer

    def one_callback_route_get(self, route_id: str) -> Record:
        """Read a route."""
        answer: Record = self._ask("OneCallbackRoute_get", "GET", "/api/esb/routes/{}/", route_id)
        return answer

    def one_callback_route_patch(
        self, route_id: str, body: Json, *, if_match: str | None = None
    ) -> Record:
        """Change what is given of a route."""
        answer: Record = self._ask(
            "OneCallbackRoute_patch",
            "PATCH",
            "/api/esb/routes/{}/",
            route_id,
            headers={"If-Match": if_match},
            body=body,
            media_type=JSON,
        )
        return answer

    def one_callback_route_delete(self, route_id: str, *, if_match: str | None = None) -> None:
        """Close a route."""
        self._ask(
            "OneCallbackRoute_delete",
            "DELETE",
            "/api/esb/routes/{}/",
            route_id,
            headers={"If-Match": if_match},
        )

    def queue(self, body: Json) -> Record:
        """Queue a late answer: it is posted to the engine until that has taken it."""
        answer: Record = self._ask(
            "queue", "POST", "/api/esb/async-response/", body=body, media_type=JSON
        )
        return answer

    def list_audit_events(
        self,
        *,
        act: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        object: str | None = None,
        since: str | None = None,
        until: str | None = None,
        who: str | None = None,
    ) -> Record:
        """List the acts of staff, clients and commands, newest first."""
        answer: Record = self._ask(
            "list_audit_events",
            "GET",
            "/api/esb/audit/",
            query={
                "who": who,
                "act": act,
                "object": object,
                "since": since,
                "until": until,
                "limit": limit,
                "cursor": cursor,
            },
        )
        return answer

    def take_call(
        self,
        route: str,
        body: Json | bytes | str | None = None,
        media_type: Literal["application/json", "application/xml"] = "application/json",
    ) -> Any:
        """Take a signed call of the bus; an envelope gets a signed answer with 200."""
        answer: Any = self._ask(
            "take_call", "POST", "/api/esb/inbound/{}/", route, body=body, media_type=media_type
        )
        return answer
