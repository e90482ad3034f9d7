"""The application factory: settings in, a WSGI application out; building it opens nothing."""

from common.audit.requests import register_audited_requests
from common.console.pages import register_console
from common.http import HttpClient, Timeouts
from common.jobs.backlog import BacklogMetrics
from common.settings import process_environment
from common.web.api import register_api
from common.web.health import register_health
from common.web.metrics import register_metrics
from common.web.problems import register_problem_handlers
from common.web.requests import register_request_context
from common.web.tokens import JwksKeys, TokenVerifier
from flask import Flask

from esb_relay import command_line
from esb_relay.config import Settings
from esb_relay.console import pages
from esb_relay.container import Container
from esb_relay.routes import register_routes
from esb_relay.worker import QUEUES

DESCRIPTION = (
    "Signs, sends and verifies messages of GovESB, takes its calls, and keeps the log of both. "
    "Fetch an access token at `POST /oauth/token` and send it as `Authorization: Bearer …`; calls "
    "from the bus are known by their signatures instead."
)


def create_app(settings: Settings | None = None) -> Flask:
    """The hub: API and console. Messages and calls of the bus are the gateway's (`gateway.app`)."""
    settings = settings or Settings.read(process_environment())
    app = command_line.create_app(settings)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_max_bytes
    process: Container = app.extensions["esb-relay"]
    app.extensions["kiungo-tokens"] = TokenVerifier(
        JwksKeys(f"{settings.proxy_url}/.well-known/jwks.json", HttpClient(Timeouts()))
    )
    register_problem_handlers(app)
    register_request_context(app)
    register_audited_requests(app)
    register_health(app, process.database.engine)
    register_metrics(app, BacklogMetrics(process.database, QUEUES))
    register_routes(register_api(app, "esb-relay", "Kiungo ESB relay", description=DESCRIPTION))
    register_console(app, pages, settings)
    return app
