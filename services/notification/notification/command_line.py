"""`flask --app notification …`: the app that the commands run in, and where each of them is."""

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

from notification import resealing
from notification.config import SCHEMA, Settings
from notification.container import build_container
from notification.models import AUDIT_TABLES, Base
from notification.models.audit_rules import RULES
from notification.outbox.escalating import ESCALATED

_COMMANDS = {
    "import-django-mediator": "notification.django_mediator.command:import_django_mediator",
    "purge": "notification.commands:purge",
    "seed-demo": "notification.commands:seed_demo",
    "seed-lookups": "notification.commands:seed_lookups",
    "worker": "notification.worker:worker",
}


def create_app(settings: Settings | None = None) -> Flask:
    """What commands need; `notification.app` adds API and pages. Building it opens nothing."""
    settings = settings or Settings.read(process_environment())
    configure_logging("notification", settings.log_level)
    configure_tracing("notification", settings)
    texts.add_catalogues("notification")
    app = Flask(__name__)
    app.cli = Commands(_COMMANDS)
    process = app.extensions["notification"] = build_container(settings)
    register_audit_log(app, "notification", process.database, AUDIT_TABLES, RULES)
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
        resealing.columns(settings, process.columns),
        _queues,
    )
    register_audit_commands(app)
    return app


def _queues() -> tuple[str, ...]:
    from notification.emit.intake import QUEUE  # loads what handles events

    return QUEUE, ESCALATED
