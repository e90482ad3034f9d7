"""The service's API."""

from flask_smorest import Api

from notification.routes import (
    audit,
    campaigns,
    catalogue,
    costs,
    deliveries,
    direct_mail,
    emit,
    index,
    lookups,
    mail_reports,
    messages,
    people,
    reach,
    receipts,
    templates,
    transports,
    webhooks,
)

MODULES = (
    index,
    lookups,
    catalogue,
    templates,
    people,
    emit,
    direct_mail,
    campaigns,
    messages,
    deliveries,
    receipts,
    mail_reports,
    transports,
    costs,
    reach,
    webhooks,
    audit,
)


def register_routes(api: Api) -> None:
    """Put every route of this package into `api`'s app and document."""
    for module in MODULES:
        api.register_blueprint(module.blp)
