"""The service's API."""

from flask_smorest import Api

from policy_notify.routes import consent, families, indications, intake, report, runs


def register_routes(api: Api) -> None:
    """Put every route of this package into `api`'s app and document."""
    intake.document_records(api.spec)
    for module in (intake, families, consent, runs, indications, report):
        api.register_blueprint(module.blp)
