"""Migrations: every one goes up, down and up again, on both databases."""

from pathlib import Path

import pytest
from policy_notify.app import create_app
from policy_notify.config import SCHEMA, Settings
from policy_notify.container import container
from service_migrations import check_there_and_back, empty_database


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_every_migration_goes_there_and_back(database: str, tmp_path: Path) -> None:
    with empty_database(database) as given:
        app = create_app(Settings(var_dir=tmp_path, **given))
        with app.app_context():
            engine = container().database.engine
        check_there_and_back(app, engine, SCHEMA)
