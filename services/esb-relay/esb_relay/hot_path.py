"""`POST /api/esb/relay/` without Flask around it, which would cost more than most of its parts.

A body of unknown length, or too large, is left to Flask's route, which does the same; what goes
wrong is told by Flask's handlers, as everywhere else.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from common.correlation import CORRELATION_HEADER, Trail, follow, leave, trail_of
from common.tokens import TokenVerifier
from flask import Flask, Response
from werkzeug.datastructures import EnvironHeaders
from werkzeug.exceptions import ClientDisconnected

from esb_relay.relaying import Relay, Told
from esb_relay.routes.messages import read_message
from esb_relay.routes.relay import PATH, SCOPE

Environ = dict[str, Any]


class HotPath:
    """A WSGI application: messages for the bus are served here, the rest by `app`."""

    def __init__(self, app: Flask, relay: Relay, max_bytes: int) -> None:
        self._app = app
        self._flask = app.wsgi_app
        self._relay = relay
        self._max_bytes = max_bytes

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        is_ours = environ["PATH_INFO"] == PATH and environ["REQUEST_METHOD"] == "POST"
        if not is_ours or not 0 < length <= self._max_bytes:
            return self._flask(environ, start_response)
        trail = trail_of(EnvironHeaders(environ))
        token = follow(trail)
        try:
            return _answer(self._told(environ, length, trail), trail, start_response)
        except Exception as exc:  # noqa: BLE001 - Flask's handlers know what each one means
            return self._refusal(exc, environ, trail)(environ, start_response)
        finally:
            leave(token)

    def _told(self, environ: Environ, length: int, trail: Trail) -> Told:
        tokens: TokenVerifier = self._app.extensions["kiungo-tokens"]
        caller = tokens.holder(environ.get("HTTP_AUTHORIZATION", ""), SCOPE)
        raw = environ["wsgi.input"].read(length)
        if len(raw) < length:
            raise ClientDisconnected
        message = read_message(
            environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower(),
            raw,
            environ.get("HTTP_X_ORGANIZATION", ""),
        )
        return self._relay.relay(
            message, caller=caller.subject, correlation_id=trail.correlation_id
        )

    def _refusal(self, error: Exception, environ: Environ, trail: Trail) -> Response:
        environ["HTTP_X_CORRELATION_ID"] = trail.correlation_id
        with self._app.request_context(environ):
            self._app.preprocess_request()
            response = self._app.make_response(self._app.handle_user_exception(error))
            return self._app.process_response(response)


def _answer(told: Told, trail: Trail, start_response: Callable[..., Any]) -> list[bytes]:
    body = told.text.encode()
    start_response(
        f"{told.status} {HTTPStatus(told.status).phrase}",
        [
            ("Content-Type", told.media_type),
            ("Content-Length", str(len(body))),
            (CORRELATION_HEADER, trail.correlation_id),
            ("X-Content-Type-Options", "nosniff"),
        ],
    )
    return [body]
