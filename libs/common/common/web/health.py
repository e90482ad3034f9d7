"""Each service answers `/livez` and `/readyz` on its own port, for orchestrators."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Flask, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from common.db.database import is_sqlite

_pages = Blueprint("health", __name__)


def register_health(
    app: Flask, engine: Engine, more: Callable[[], Mapping[str, Any]] | None = None
) -> None:
    """Add the two pages to `app`; ready means that `engine`'s database answers.

    `more`: what a ready service says besides, which makes it neither more nor less ready.
    """
    app.extensions["kiungo-engine"] = engine
    app.extensions["kiungo-readiness"] = more or dict
    app.register_blueprint(_pages)


def database_answers(engine: Engine) -> bool:
    """Whether the database answers a trivial question now."""
    try:
        with engine.execution_options(reading=is_sqlite(engine)).connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


@_pages.get("/livez")
def livez() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(ok=True)


@_pages.get("/readyz")
def readyz() -> ResponseReturnValue:
    """The process can do its work."""
    ready = database_answers(current_app.extensions["kiungo-engine"])
    more = current_app.extensions["kiungo-readiness"]() if ready else {}
    return jsonify(ok=ready, database=ready, **more), 200 if ready else 503
