"""Migrations: every one goes up, down and up again, on both databases."""

from pathlib import Path

import pytest
from esb_relay.app import create_app
from esb_relay.config import SCHEMA, Settings
from esb_relay.container import container
from service_migrations import check_there_and_back, empty_database


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_every_migration_goes_there_and_back(database: str, tmp_path: Path) -> None:
    with empty_database(database) as given:
        app = create_app(Settings(var_dir=tmp_path, **given))
        with app.app_context():
            engine = container().database.engine
        check_there_and_back(app, engine, SCHEMA)
