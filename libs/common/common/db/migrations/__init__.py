"""Migrations: one Alembic environment for all services, one runner at a time."""
