"""The application factory: settings in, a WSGI application out; building it opens nothing."""

from pathlib import Path

from common.audit.commands import register_audit_commands
from common.audit.requests import register_audit
from common.console.pages import register_console
from common.db.migrations.runner import Migrations, register_migrations
from common.http import HttpClient, Timeouts
from common.jobs.backlog import BacklogMetrics
from common.logs import configure_logging
from common.resealing_commands import register_reseal
from common.settings import process_environment
from common.tracing import configure_tracing
from common.web.api import register_api
from common.web.health import register_health
from common.web.metrics import register_metrics
from common.web.problems import register_problem_handlers
from common.web.requests import register_request_context
from common.web.tokens import JwksKeys, TokenVerifier
from flask import Flask

from esb_relay.audit import RULES
from esb_relay.callbacks.routes import queue_targets
from esb_relay.commands import register_commands
from esb_relay.config import SCHEMA, Settings
from esb_relay.console import pages
from esb_relay.container import build_container
from esb_relay.models import AUDIT_TABLES, Base
from esb_relay.models.sealed import sealed_columns
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
    configure_logging("esb-relay", settings.log_level)
    configure_tracing("esb-relay", settings)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_max_bytes
    process = build_container(settings)
    app.extensions["esb-relay"] = process
    app.extensions["kiungo-tokens"] = TokenVerifier(
        JwksKeys(f"{settings.proxy_url}/.well-known/jwks.json", HttpClient(Timeouts()))
    )
    register_problem_handlers(app)
    register_request_context(app)
    register_audit(app, "esb-relay", process.database, AUDIT_TABLES, RULES)
    register_health(app, process.database.engine)
    register_metrics(app, BacklogMetrics(process.database, QUEUES))
    register_migrations(
        app,
        Migrations(Base.metadata, process.database.engine, SCHEMA),
        Path(__file__).parent / "migrations",
    )
    register_routes(register_api(app, "esb-relay", "Kiungo ESB relay", description=DESCRIPTION))
    register_console(app, pages, settings)
    register_commands(app)
    register_audit_commands(app)
    register_reseal(
        app,
        settings,
        process.database,
        process.texts.sealer,
        sealed_columns(),
        lambda: queue_targets(process.database),
    )
    return app
