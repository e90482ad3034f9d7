"""Every request into a service: its request context, its fields in the logs, its headers."""

from flask import Flask, Response, g, request

from common import tracing
from common.correlation import CORRELATION_HEADER, follow, leave, request_context_of

#: Asked every few seconds by whoever watches.
_UNTRACED = frozenset({"/livez", "/readyz", "/metrics", "/health/"})


def register_request_context(app: Flask) -> None:
    """Follow each request's correlation id from `X-Correlation-Id` in to `X-Correlation-Id` out."""

    @app.before_request
    def _follow() -> None:
        g.request_context = request_context_of(request.headers)
        g.request_context_token = follow(g.request_context)
        if tracing.is_on() and request.path not in _UNTRACED:
            g.request_span = tracing.request_span(request.method, request.headers).__enter__()
            if request.url_rule is not None:
                g.request_span.route(request.method, request.url_rule.rule)

    @app.after_request
    def _answer(response: Response) -> Response:
        response.headers.setdefault(CORRELATION_HEADER, g.request_context.correlation_id)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if "request_span" in g:
            g.request_span.status(response.status_code)
        return response

    @app.teardown_request
    def _leave(_error: BaseException | None) -> None:
        span = g.pop("request_span", None)
        if span is not None:
            span.__exit__(None, None, None)
        token = g.pop("request_context_token", None)
        if token is not None:
            leave(token)
