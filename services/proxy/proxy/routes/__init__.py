"""The hub's own addresses: the management API, tokens, health."""

from flask_smorest import Api

from proxy.routes import (
    calls,
    channels,
    clients,
    health,
    mediators,
    metrics,
    registrations,
    rejections,
    staff,
    tokens,
    transactions,
)
from proxy.routes.client_credentials import SECURITY_SCHEMES


def register_routes(api: Api) -> None:
    """Put every route of this package into `api`'s app and document."""
    for name, scheme in SECURITY_SCHEMES.items():
        api.spec.components.security_scheme(name, scheme)
    for module in (
        clients,
        mediators,
        channels,
        registrations,
        staff,
        transactions,
        rejections,
        metrics,
        tokens,
        health,
        calls,
    ):
        api.register_blueprint(module.blp)
