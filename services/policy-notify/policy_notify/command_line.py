"""`flask --app policy_notify …`: the app that the commands run in, and where each of them is."""

from pathlib import Path

from common import texts
from common.audit.commands import register_audit_commands
from common.audit.log import register_audit_log
from common.command_line import Commands
from common.db.migrations.runner import Migrations, register_migrations
from common.db.resealed_types import sealed_columns
from common.logs import configure_logging
from common.resealing_commands import register_reseal
from common.settings import process_environment
from common.tracing import configure_tracing
from flask import Flask

from policy_notify.config import SCHEMA, Settings
from policy_notify.container import build_container
from policy_notify.models import AUDIT_TABLES, Base
from policy_notify.models.audit_rules import RULES

_COMMANDS = {
    "check-texts": "policy_notify.commands:check_texts_command",
    "dead-letters": "policy_notify.intake.commands:letters",
    "import": "policy_notify.commands:import_command",
    "purge": "policy_notify.commands:purge",
    "run-triggers": "policy_notify.commands:run_triggers",
    "seed-demo": "policy_notify.commands:seed_demo",
    "sync": "policy_notify.openimis.commands:sync",
    "worker": "policy_notify.worker:worker",
}


def create_app(settings: Settings | None = None) -> Flask:
    """What commands need; `policy_notify.app` adds API and pages. Building it opens nothing."""
    settings = settings or Settings.read(process_environment())
    configure_logging("policy-notify", settings.log_level)
    configure_tracing("policy-notify", settings)
    texts.add_catalogues("policy_notify")
    app = Flask(__name__)
    app.cli = Commands(_COMMANDS)
    process = app.extensions["policy-notify"] = build_container(settings)
    register_audit_log(app, "policy-notify", process.database, AUDIT_TABLES, RULES)
    register_migrations(
        app,
        Migrations(Base.metadata, process.database.engine, SCHEMA),
        Path(__file__).parent / "migrations",
    )
    register_reseal(
        app,
        settings,
        process.database,
        process.columns.texts.sealer,
        sealed_columns(Base.metadata, process.columns),
        _queues,
    )
    register_audit_commands(app)
    return app


def _queues() -> tuple[str, ...]:
    from policy_notify.intake.events import QUEUE  # loads what handles events

    return (QUEUE,)
