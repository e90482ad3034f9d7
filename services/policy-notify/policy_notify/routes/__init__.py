"""The service's API."""

from flask_smorest import Api

from policy_notify.routes import (
    audit,
    consents,
    dead_letters,
    families,
    index,
    indications,
    metrics,
    payments,
    records,
    report,
    runs,
)

_MODULES = (
    index,
    records,
    dead_letters,
    families,
    consents,
    runs,
    indications,
    payments,
    metrics,
    report,
    audit,
)


def register_routes(api: Api) -> None:
    """Put every route of this package into `api`'s app and document."""
    records.document_records(api.spec)
    for module in _MODULES:
        api.register_blueprint(module.blp)
    api.register_blueprint(report.openimis)
