"""The application factory: settings in, a WSGI application out; building it opens nothing."""

from common.audit.requests import register_audited_requests
from common.console.pages import register_console
from common.http import HttpClient, Timeouts
from common.settings import process_environment
from common.web.api import register_api
from common.web.health import register_health
from common.web.metrics import register_metrics
from common.web.problems import register_problem_handlers
from common.web.requests import register_request_context
from common.web.tokens import JwksKeys, KeySource
from flask import Flask

from policy_notify import command_line
from policy_notify.config import Settings
from policy_notify.console import pages
from policy_notify.container import Container
from policy_notify.openimis.rights import RightsVerifier
from policy_notify.routes import register_routes

MAX_BODY_BYTES = 32 * 1024 * 1024
DESCRIPTION = (
    "Families, their policies and their consent; reminders that are sent once, and the report of "
    "who can be notified. Fetch an access token at `POST /oauth/token` and send it as "
    "`Authorization: Bearer …`."
)


def create_app(settings: Settings | None = None, keys: KeySource | None = None) -> Flask:
    """The service; `keys` verify access tokens (default: the proxy's published ones)."""
    settings = settings or Settings.read(process_environment())
    app = command_line.create_app(settings)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    process: Container = app.extensions["policy-notify"]
    keys = keys or JwksKeys(
        f"{settings.proxy_url}/.well-known/jwks.json", HttpClient(Timeouts(read_s=5.0))
    )
    app.extensions["kiungo-tokens"] = RightsVerifier(keys, settings.report_rights)
    register_problem_handlers(app)
    register_request_context(app)
    register_audited_requests(app)
    register_health(app, process.database.engine)
    register_metrics(app)
    register_routes(
        register_api(app, "policy-notify", "Kiungo policy notification", description=DESCRIPTION)
    )
    register_console(app, pages, settings)
    return app
