"""Every request into a service: its request context, its fields in the logs, its headers."""

from flask import Flask, Response, g, request

from common.correlation import CORRELATION_HEADER, follow, leave, request_context_of


def register_request_context(app: Flask) -> None:
    """Follow each request's correlation id from `X-Correlation-Id` in to `X-Correlation-Id` out."""

    @app.before_request
    def _follow() -> None:
        g.request_context = request_context_of(request.headers)
        g.request_context_token = follow(g.request_context)

    @app.after_request
    def _answer(response: Response) -> Response:
        response.headers.setdefault(CORRELATION_HEADER, g.request_context.correlation_id)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response

    @app.teardown_request
    def _leave(_error: BaseException | None) -> None:
        token = g.pop("request_context_token", None)
        if token is not None:
            leave(token)
