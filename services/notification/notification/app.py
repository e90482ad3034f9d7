"""The application factory: settings in, a WSGI application out; building it opens nothing."""

from pathlib import Path

from common.api import register_api
from common.broker import open_broker
from common.console.pages import register_console
from common.database import Database, open_engine
from common.doorbell import Bell
from common.health import register_health
from common.http import HttpClient, Timeouts
from common.logs import configure_logging
from common.metrics import register_metrics
from common.migrations.runner import Migrations, register_migrations
from common.problems import register_problem_handlers
from common.requests_in import register_request_trail
from common.settings import process_environment
from common.tokens import JwksKeys, KeySource, TokenVerifier
from flask import Flask

from notification.commands import register_commands
from notification.config import SCHEMA, Settings
from notification.console import pages
from notification.models import Base
from notification.outbox.engine import Outbox
from notification.parts import BELL, Parts
from notification.routes import register_routes
from notification.transports.build import build_transports

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
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    database = Database(open_engine(settings, SCHEMA))
    transports = build_transports(settings)
    app.extensions["notification"] = Parts(
        settings=settings,
        database=database,
        transports=transports,
        outbox=Outbox(database, transports, settings.lease_s),
        bell=Bell(lambda: open_broker(settings), BELL),
    )
    keys = keys or JwksKeys(
        f"{settings.proxy_url}/.well-known/jwks.json", HttpClient(Timeouts(read_s=5.0))
    )
    app.extensions["kiungo-tokens"] = TokenVerifier(keys)
    register_problem_handlers(app)
    register_request_trail(app)
    register_health(app, database.engine)
    register_metrics(app)
    register_migrations(
        app,
        Migrations(Base.metadata, database.engine, SCHEMA),
        Path(__file__).parent / "migrations",
    )
    register_routes(
        register_api(app, "notification", "Kiungo notification", description=DESCRIPTION)
    )
    register_console(app, pages, settings)
    register_commands(app)
    return app
