"""The service's API."""

from flask_smorest import Api

from notification.routes import (
    catalogue,
    deliveries,
    emit,
    index,
    messages,
    people,
    receipts,
    templates,
)

MODULES = (index, catalogue, templates, people, emit, messages, deliveries, receipts)


def register_routes(api: Api) -> None:
    """Put every route of this package into `api`'s app and document."""
    for module in MODULES:
        api.register_blueprint(module.blp)
