"""The hub's own addresses: the management API, tokens, health."""

from flask_smorest import Api

from proxy.routes import (
    alerts,
    audit,
    channel_versions,
    channels,
    clients,
    health,
    mediators,
    metadata,
    metrics,
    registrations,
    rejections,
    report,
    roles,
    shadow_differences,
    staff,
    tasks,
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
        channel_versions,
        registrations,
        staff,
        roles,
        transactions,
        tasks,
        rejections,
        shadow_differences,
        metrics,
        alerts,
        report,
        metadata,
        tokens,
        audit,
        health,
    ):
        api.register_blueprint(module.blp)
    describe_calls(api)
