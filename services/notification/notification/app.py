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
from common.web.tokens import JwksKeys, KeySource, TokenVerifier
from flask import Flask

from notification import command_line
from notification.config import Settings
from notification.console import pages
from notification.container import Container
from notification.outbox.watching import TransportMetrics, UnknownMessages, readiness
from notification.routes import register_routes, unsubscribe
from notification.routes.people import UserIdConverter
from notification.routes.problems import register_problems
from notification.worker import QUEUES

MAX_BODY_BYTES = 32 * 1024 * 1024
DESCRIPTION = (
    "An event comes in once; the right people get the right words in their language over the "
    "channels they allow. Fetch an access token at `POST /oauth/token` and send it as "
    "`Authorization: Bearer …`."
)


def create_app(settings: Settings | None = None, keys: KeySource | None = None) -> Flask:
    """The service; `keys` verify access tokens (default: the proxy's published ones)."""
    settings = settings or Settings.read(process_environment())
    app = command_line.create_app(settings)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    process: Container = app.extensions["notification"]
    database = process.database
    keys = keys or JwksKeys(
        f"{settings.proxy_url}/.well-known/jwks.json", HttpClient(Timeouts(read_s=5.0))
    )
    app.extensions["kiungo-tokens"] = TokenVerifier(keys)
    register_problem_handlers(app)
    register_problems(app)
    register_request_context(app)
    register_health(app, database.engine, lambda: readiness(database))
    collectors = TransportMetrics(database), UnknownMessages(database)
    register_metrics(app, *collectors, BacklogMetrics(database, QUEUES))
    register_audited_requests(app)
    app.url_map.converters["user_id"] = UserIdConverter
    register_routes(
        register_api(app, "notification", "Kiungo notification", description=DESCRIPTION)
    )
    app.register_blueprint(unsubscribe.blp)
    register_console(app, pages, settings)
    return app
