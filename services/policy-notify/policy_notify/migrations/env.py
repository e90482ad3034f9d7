"""Alembic's entry; the work is common to all services."""

from common.db.migrations.runner import run_migrations

run_migrations()
