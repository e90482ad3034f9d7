"""`flask --app esb_relay …`: the app that the commands run in, and where each of them is."""

from pathlib import Path

from common import texts
from common.audit.commands import register_audit_commands
from common.audit.log import register_audit_log
from common.command_line import Commands
from common.db.migrations.runner import Migrations, register_migrations
from common.logs import configure_logging
from common.resealing_commands import register_reseal
from common.settings import process_environment
from common.tracing import configure_tracing
from flask import Flask

from esb_relay.callbacks.routes import queue_targets
from esb_relay.config import SCHEMA, Settings
from esb_relay.container import build_container
from esb_relay.models import AUDIT_TABLES, Base
from esb_relay.models.audit_rules import RULES
from esb_relay.models.sealed import sealed_columns

_COMMANDS = {
    "keygen": "esb_relay.commands:keygen",
    "purge": "esb_relay.commands:purge",
    "seed-demo": "esb_relay.commands:seed_demo",
    "sign": "esb_relay.commands:sign",
    "simulator": "esb_relay.commands:run_simulator",
    "verify": "esb_relay.commands:verify",
    "worker": "esb_relay.worker:worker",
}


def create_app(settings: Settings | None = None) -> Flask:
    """What commands need; `esb_relay.app` adds API and pages. Building it opens nothing."""
    settings = settings or Settings.read(process_environment())
    configure_logging("esb-relay", settings.log_level)
    configure_tracing("esb-relay", settings)
    texts.add_catalogues("esb_relay")
    app = Flask(__name__)
    app.cli = Commands(_COMMANDS)
    process = app.extensions["esb-relay"] = build_container(settings)
    register_audit_log(app, "esb-relay", process.database, AUDIT_TABLES, RULES)
    register_migrations(
        app,
        Migrations(Base.metadata, process.database.engine, SCHEMA),
        Path(__file__).parent / "migrations",
    )
    register_reseal(
        app,
        settings,
        process.database,
        process.texts.sealer,
        sealed_columns(),
        lambda: queue_targets(process.database),
    )
    register_audit_commands(app)
    return app
