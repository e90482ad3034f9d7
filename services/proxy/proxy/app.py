"""The application factory: settings in, a WSGI application out; building it opens nothing."""

from common.audit.requests import register_audited_requests
from common.console import assets
from common.console.pages import register_console
from common.jobs.backlog import BacklogMetrics
from common.settings import process_environment
from common.web.api import register_api
from common.web.health import register_health
from common.web.metrics import register_metrics
from common.web.problems import register_problem_handlers
from common.web.requests import register_request_context
from common.web.tokens import TokenVerifier
from flask import Flask

from proxy import command_line
from proxy.checks.reading import HealthMetrics
from proxy.config import Settings
from proxy.console import branding, pages
from proxy.console.cookies import staff_of_cookie
from proxy.container import Container
from proxy.openhim.addresses import api as openhim_api
from proxy.routes import register_routes
from proxy.worker import QUEUES

DESCRIPTION = (
    "Clients, mediators, channels, ESB registrations and the record of every call. "
    "Fetch an access token at `POST /oauth/token` and send it as `Authorization: Bearer …`."
)


def create_app(settings: Settings | None = None) -> Flask:
    """The hub: the reserved paths. Every other one is the gateway's (`proxy.gateway.app`)."""
    settings = settings or Settings.read(process_environment())
    app = command_line.create_app(settings)
    app.config["MAX_CONTENT_LENGTH"] = settings.request_body_max_bytes
    app.url_map.merge_slashes = False
    process: Container = app.extensions["proxy"]
    database = process.database
    app.extensions["kiungo-tokens"] = TokenVerifier(process.signer)
    register_problem_handlers(app)
    register_request_context(app)
    register_audited_requests(app)
    register_health(app, database.engine)
    register_metrics(app, BacklogMetrics(database, QUEUES), HealthMetrics(database))
    register_routes(register_api(app, "proxy", "Kiungo channel proxy", description=DESCRIPTION))
    app.register_blueprint(openhim_api)
    register_console(app, pages, settings, staff_of_cookie)
    app.register_blueprint(assets.files)
    app.register_blueprint(branding.files)
    branding.warn_of_missing(settings)
    return app
