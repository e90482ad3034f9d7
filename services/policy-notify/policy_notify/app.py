"""The application factory: settings in, a WSGI application out; building it opens nothing."""

from pathlib import Path

from common.audit.commands import register_audit_commands
from common.audit.requests import register_audit
from common.console.pages import register_console
from common.db.database import Database, open_engine
from common.db.migrations.runner import Migrations, register_migrations
from common.db.resealed_types import sealed_columns
from common.db.sealed_types import column_sealer, seals_columns
from common.http import HttpClient, Timeouts
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
from common.web.tokens import JwksKeys, KeySource
from flask import Flask

from policy_notify.audit import RULES
from policy_notify.commands import register_commands
from policy_notify.config import SCHEMA, Settings
from policy_notify.console import pages
from policy_notify.container import WAKE_UP_QUEUE, Container
from policy_notify.intake.events import QUEUE
from policy_notify.models import AUDIT_TABLES, Base
from policy_notify.openimis.rights import RightsVerifier
from policy_notify.providers.build import build_providers
from policy_notify.routes import register_routes
from policy_notify.texts.catalogue import Texts

MAX_BODY_BYTES = 32 * 1024 * 1024
DESCRIPTION = (
    "Families, their policies and their consent; reminders that are sent once, and the report of "
    "who can be notified. Fetch an access token at `POST /oauth/token` and send it as "
    "`Authorization: Bearer …`."
)


def create_app(settings: Settings | None = None, keys: KeySource | None = None) -> Flask:
    """The service; `keys` verify access tokens (default: the proxy's published ones)."""
    settings = settings or Settings.read(process_environment())
    configure_logging("policy-notify", settings.log_level)
    configure_tracing("policy-notify", settings)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    database = Database(open_engine(settings, SCHEMA))
    columns = column_sealer(settings)
    seals_columns(database, columns)
    app.extensions["policy-notify"] = Container(
        settings=settings,
        database=database,
        columns=columns,
        texts=Texts.load(settings.languages, settings.texts_dir),
        providers=build_providers(settings),
        wake_up=WakeUp(lambda: open_broker(settings), WAKE_UP_QUEUE),
    )
    keys = keys or JwksKeys(
        f"{settings.proxy_url}/.well-known/jwks.json", HttpClient(Timeouts(read_s=5.0))
    )
    app.extensions["kiungo-tokens"] = RightsVerifier(keys, settings.report_rights)
    register_problem_handlers(app)
    register_request_context(app)
    register_audit(app, "policy-notify", database, AUDIT_TABLES, RULES)
    register_health(app, database.engine)
    register_metrics(app)
    register_migrations(
        app,
        Migrations(Base.metadata, database.engine, SCHEMA),
        Path(__file__).parent / "migrations",
    )
    register_routes(
        register_api(app, "policy-notify", "Kiungo policy notification", description=DESCRIPTION)
    )
    register_console(app, pages, settings)
    register_commands(app)
    register_audit_commands(app)
    sealed = sealed_columns(Base.metadata, columns)
    register_reseal(app, settings, database, columns.texts.sealer, sealed, lambda: [QUEUE])
    return app
