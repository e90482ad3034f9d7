"""A mark for tests that take long: PostgreSQL is enough, `make faults` runs them on SQLite, too."""

import pytest


def on_one_database(fixture: str = "shared_app") -> pytest.MarkDecorator:
    """For tests whose `fixture` has the parameters `sqlite` and `postgres`."""
    databases = ["postgres", pytest.param("sqlite", marks=pytest.mark.faults)]
    return pytest.mark.parametrize(fixture, databases, indirect=True)
