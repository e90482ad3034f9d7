"""`flask --app proxy …`: the app that the commands run in, and where each of them is."""

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

from proxy.access.caller import caller_address
from proxy.config import SCHEMA, Settings
from proxy.container import build_container
from proxy.models import AUDIT_TABLES, Base
from proxy.models.audit_rules import RULES
from proxy.record.resealing import sealed_columns
from proxy.registry import (  # noqa: F401 - they see changes from the first session on
    channel_versions,
    routing_version,
)

_COMMANDS = {
    "apply": "proxy.metadata.command:apply",
    "create-admin": "proxy.commands:create_admin",
    "create-client": "proxy.commands:create_client_command",
    "create-token-key": "proxy.commands:create_token_key",
    "demo-mediator": "proxy.commands:run_demo_mediator",
    "ensure-client": "proxy.commands:ensure_client",
    "export": "proxy.metadata.command:export",
    "import-django-mediator": "proxy.django_mediator.command:import_django_mediator",
    "import-openhim": "proxy.openhim.command:import_openhim",
    "index-fields": "proxy.commands:index_fields",
    "purge": "proxy.commands:purge",
    "seed-demo": "proxy.commands:seed_demo",
    "worker": "proxy.worker:worker",
}


def create_app(settings: Settings | None = None) -> Flask:
    """What commands need; `proxy.app` adds API and pages. Building it opens nothing."""
    settings = settings or Settings.read(process_environment())
    configure_logging("proxy", settings.log_level)
    configure_tracing("proxy", settings)
    texts.add_catalogues("proxy")
    app = Flask(__name__)
    app.cli = Commands(_COMMANDS)
    process = app.extensions["proxy"] = build_container(settings)
    database = process.database
    register_audit_log(app, "proxy", database, AUDIT_TABLES, RULES, caller_address)
    register_migrations(
        app,
        Migrations(Base.metadata, database.engine, SCHEMA),
        Path(__file__).parent / "migrations",
    )
    register_reseal(app, settings, database, process.sealer.core, sealed_columns(process.sealer))
    register_audit_commands(app)
    return app
