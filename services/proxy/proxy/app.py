"""The application factory: settings in, a WSGI application out; building it opens nothing."""

from pathlib import Path

from common.audit.commands import register_audit_commands
from common.audit.requests import register_audit
from common.console import assets
from common.console.pages import register_console
from common.db.migrations.runner import Migrations, register_migrations
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
from common.web.tokens import TokenVerifier
from flask import Flask

from proxy.access.caller import caller_address
from proxy.audit import RULES
from proxy.checks.reading import HealthMetrics
from proxy.commands import register_commands
from proxy.config import SCHEMA, Settings
from proxy.console import branding, pages
from proxy.console.cookies import staff_of_cookie
from proxy.container import build_container
from proxy.models import AUDIT_TABLES, Base
from proxy.openhim.addresses import api as openhim_api
from proxy.record.resealing import sealed_columns
from proxy.registry import (  # noqa: F401 - they see changes from the first session on
    channel_versions,
    routing_version,
)
from proxy.routes import register_routes
from proxy.worker import QUEUES

DESCRIPTION = (
    "Clients, mediators, channels, ESB registrations and the record of every call. "
    "Fetch an access token at `POST /oauth/token` and send it as `Authorization: Bearer …`."
)


def create_app(settings: Settings | None = None) -> Flask:
    """The hub: the reserved paths. Every other one is the gateway's (`proxy.gateway.app`)."""
    settings = settings or Settings.read(process_environment())
    configure_logging("proxy", settings.log_level)
    configure_tracing("proxy", settings)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = settings.request_body_max_bytes
    app.url_map.merge_slashes = False
    process = build_container(settings)
    database = process.database
    app.extensions["proxy"] = process
    app.extensions["kiungo-tokens"] = TokenVerifier(process.signer)
    register_problem_handlers(app)
    register_request_context(app)
    register_audit(app, "proxy", database, AUDIT_TABLES, RULES, caller_address)
    register_health(app, database.engine)
    register_metrics(app, BacklogMetrics(database, QUEUES), HealthMetrics(database))
    register_migrations(
        app,
        Migrations(Base.metadata, database.engine, SCHEMA),
        Path(__file__).parent / "migrations",
    )
    register_routes(register_api(app, "proxy", "Kiungo channel proxy", description=DESCRIPTION))
    app.register_blueprint(openhim_api)
    register_console(app, pages, settings, staff_of_cookie)
    app.register_blueprint(assets.files)
    app.register_blueprint(branding.files)
    branding.warn_of_missing(settings)
    register_commands(app)
    register_reseal(app, settings, database, process.sealer.core, sealed_columns(process.sealer))
    register_audit_commands(app)
    return app
