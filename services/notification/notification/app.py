"""The application factory: settings in, a WSGI application out; building it opens nothing."""

from pathlib import Path

from common.audit.commands import register_audit_commands
from common.audit.requests import register_audit
from common.console.pages import register_console
from common.db.database import Database, open_engine
from common.db.migrations.runner import Migrations, register_migrations
from common.db.sealed_types import column_sealer, seals_columns
from common.http import HttpClient, Timeouts
from common.jobs.backlog import BacklogMetrics
from common.jobs.broker import open_broker
from common.jobs.wake_up import WakeUp
from common.logs import configure_logging
from common.resealing_commands import register_reseal
from common.settings import process_environment
from common.tracing import configure_tracing
from common.web.api import register_api
from common.web.health import register_health
from common.web.metrics import register_metrics
from common.web.problems import register_problem_handlers
from common.web.requests import register_request_context
from common.web.tokens import JwksKeys, KeySource, TokenVerifier
from flask import Flask

from notification import resealing
from notification.audit import RULES
from notification.commands import register_commands
from notification.config import SCHEMA, Settings
from notification.console import pages
from notification.container import WAKE_UP_QUEUE, Container
from notification.emit.intake import QUEUE
from notification.models import AUDIT_TABLES, Base
from notification.outbox.engine import Outbox
from notification.outbox.escalating import ESCALATED
from notification.outbox.receiving import ReceiptIntake
from notification.outbox.watching import TransportMetrics, readiness
from notification.routes import register_routes, unsubscribe
from notification.routes.people import UserIdConverter
from notification.routes.problems import register_problems
from notification.transports.build import build_transports
from notification.webhooks.subscriptions import Targets
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
    configure_logging("notification", settings.log_level)
    configure_tracing("notification", settings)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    database = Database(open_engine(settings, SCHEMA))
    columns = column_sealer(settings)
    seals_columns(database, columns)
    receipts = ReceiptIntake(database, settings.sms_prices)
    seal = settings.webhook_seal
    webhooks = Targets(database, seal) if seal else None
    transports = build_transports(settings, receipts.takes_all, webhooks)
    app.extensions["notification"] = Container(
        settings=settings,
        database=database,
        columns=columns,
        transports=transports,
        outbox=Outbox(database, transports, settings.lease_s),
        receipts=receipts,
        webhooks=webhooks,
        wake_up=WakeUp(lambda: open_broker(settings), WAKE_UP_QUEUE),
    )
    keys = keys or JwksKeys(
        f"{settings.proxy_url}/.well-known/jwks.json", HttpClient(Timeouts(read_s=5.0))
    )
    app.extensions["kiungo-tokens"] = TokenVerifier(keys)
    register_problem_handlers(app)
    register_problems(app)
    register_request_context(app)
    register_health(app, database.engine, lambda: readiness(database))
    register_metrics(app, TransportMetrics(database), BacklogMetrics(database, QUEUES))
    register_audit(app, "notification", database, AUDIT_TABLES, RULES)
    register_migrations(
        app,
        Migrations(Base.metadata, database.engine, SCHEMA),
        Path(__file__).parent / "migrations",
    )
    app.url_map.converters["user_id"] = UserIdConverter
    register_routes(
        register_api(app, "notification", "Kiungo notification", description=DESCRIPTION)
    )
    app.register_blueprint(unsubscribe.blp)
    register_console(app, pages, settings)
    register_commands(app)
    register_audit_commands(app)
    register_reseal(
        app,
        settings,
        database,
        columns.texts.sealer,
        resealing.columns(settings, columns),
        lambda: (QUEUE, ESCALATED),
    )
    return app
