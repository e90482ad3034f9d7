"""The hub's own addresses: the management API, tokens, health."""

from flask_smorest import Api

from proxy.routes import (
    audit,
    channels,
    clients,
    health,
    mediators,
    metrics,
    registrations,
    rejections,
    shadow_differences,
    staff,
    tokens,
    transactions,
)
from proxy.routes.calls import describe_calls


def register_routes(api: Api) -> None:
    """Put every route of this package into `api`'s app and document."""
    for module in (
        clients,
        mediators,
        channels,
        registrations,
        staff,
        transactions,
        rejections,
        shadow_differences,
        metrics,
        tokens,
        audit,
        health,
    ):
        api.register_blueprint(module.blp)
    describe_calls(api)
