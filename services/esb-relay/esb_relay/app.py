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
from common.offload import offload_for
from common.problems import register_problem_handlers
from common.requests_in import register_request_trail
from common.settings import process_environment
from common.tokens import JwksKeys, TokenVerifier
from flask import Flask

from esb_relay.callbacks.receiving import Receiver
from esb_relay.callbacks.targets import Targets
from esb_relay.commands import register_commands
from esb_relay.config import SCHEMA, Settings
from esb_relay.console import pages
from esb_relay.engine.exchanger import Exchanger
from esb_relay.engine.token_server import TokenServer
from esb_relay.engine.tokens import EsbTokens
from esb_relay.exchange_log import ExchangeWriter
from esb_relay.hot_path import HotPath
from esb_relay.keyring import Keyring
from esb_relay.models import Base
from esb_relay.parts import BELL, Parts
from esb_relay.relaying import Relay
from esb_relay.routes import register_routes

DESCRIPTION = (
    "Signs, sends and verifies messages of GovESB, takes its calls, and keeps the log of both. "
    "Fetch an access token at `POST /oauth/token` and send it as `Authorization: Bearer …`; calls "
    "from the bus are known by their signatures instead."
)


def create_app(settings: Settings | None = None) -> Flask:
    """The relay. It starts without GovESB's settings: the call that needs one names it."""
    settings = settings or Settings.read(process_environment())
    configure_logging("esb-relay", settings.log_level)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_max_bytes
    process = build_parts(settings)
    app.extensions["esb-relay"] = process
    app.extensions["kiungo-tokens"] = TokenVerifier(
        JwksKeys(f"{settings.proxy_url}/.well-known/jwks.json", HttpClient(Timeouts()))
    )
    register_problem_handlers(app)
    register_request_trail(app)
    register_health(app, process.database.engine)
    register_metrics(app)
    register_migrations(
        app,
        Migrations(Base.metadata, process.database.engine, SCHEMA),
        Path(__file__).parent / "migrations",
    )
    register_routes(register_api(app, "esb-relay", "Kiungo ESB relay", description=DESCRIPTION))
    register_console(app, pages, settings)
    register_commands(app)
    hot_path = HotPath(app, process.relay, settings.body_max_bytes)
    app.wsgi_app = hot_path  # type: ignore[method-assign]
    return app


def build_parts(settings: Settings) -> Parts:
    """The parts of a process with these settings."""
    database = Database(open_engine(settings, SCHEMA))
    offload = offload_for(database.engine)
    keyring = Keyring(settings)
    tokens = EsbTokens(settings, database, TokenServer(settings), offload=offload)
    exchanger = Exchanger(settings, keyring, tokens, ExchangeWriter(database.engine, offload))
    targets, bell = Targets(settings), Bell(lambda: open_broker(settings), BELL)
    receiver = Receiver(settings, database, keyring, targets, offload=offload, ring=bell.ring)
    return Parts(
        settings=settings,
        database=database,
        offload=offload,
        keyring=keyring,
        exchanger=exchanger,
        relay=Relay(settings, keyring, exchanger),
        targets=targets,
        receiver=receiver,
        bell=bell,
    )
