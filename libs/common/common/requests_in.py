"""Every request into a service: its trail, its context in the logs, its headers on the way out."""

from flask import Flask, Response, g, request

from common.correlation import CORRELATION_HEADER, follow, leave, trail_of


def register_request_trail(app: Flask) -> None:
    """Follow each request's correlation id from `X-Correlation-Id` in to `X-Correlation-Id` out."""

    @app.before_request
    def _follow() -> None:
        g.trail = trail_of(request.headers)
        g.trail_token = follow(g.trail)

    @app.after_request
    def _answer(response: Response) -> Response:
        response.headers.setdefault(CORRELATION_HEADER, g.trail.correlation_id)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response

    @app.teardown_request
    def _leave(_error: BaseException | None) -> None:
        token = g.pop("trail_token", None)
        if token is not None:
            leave(token)
