"""The parts that the hub needs, asked whether they answer."""

from typing import Any

from common.clock import utc_now
from common.db.database import Database
from common.jobs.broker import BROKER_ERRORS, open_broker
from common.web.health import database_answers
from sqlalchemy import func, null, select
from sqlalchemy.exc import SQLAlchemyError

from proxy.config import Settings
from proxy.container import Container
from proxy.models import Channel, GatewayProcess, ListenerState
from proxy.sweeper import DEAD_AFTER

Answer = dict[str, Any]


def check_all(container: Container) -> dict[str, Answer]:
    """`{"database": {"ok", "checked"}, …}`; not asked, a part counts as well."""
    if not container.settings.check_dependencies:
        unasked = {"ok": True, "checked": False}
        return {"database": unasked, "rabbitmq": unasked, "listeners": unasked}
    return ask_all(container)


def ask_all(container: Container) -> dict[str, Answer]:
    """The same, whatever the settings say: every part is really asked."""
    return {
        "database": _answer(_database_trouble(container.database)),
        "rabbitmq": _answer(_broker_trouble(container.settings)),
        "listeners": _answer(listener_trouble(container.database)),
    }


def _answer(trouble: str | None) -> Answer:
    if trouble is None:
        return {"ok": True, "checked": True}
    return {"ok": False, "checked": True, "detail": trouble}


def _database_trouble(database: Database) -> str | None:
    """What keeps calls from being recorded: gateways sign through the connection that does so."""
    if not database_answers(database.engine):
        return "does not answer"
    try:
        with database.reading() as session:
            signed_at = session.scalar(select(func.max(GatewayProcess.seen_at)))
    except SQLAlchemyError as exc:
        return f"does not answer ({type(exc).__name__})"
    if signed_at is not None and signed_at < utc_now() - DEAD_AFTER:
        return "no gateway has written for some time"
    return None


def listener_trouble(database: Database) -> str | None:
    """What keeps messages from coming in: ports of channels that could not be opened."""
    closed = (
        select(func.count())
        .select_from(ListenerState)
        .join(Channel, Channel.id == ListenerState.channel_id)
        .where(Channel.is_active, Channel.listener.is_not(null()), ListenerState.error != "")
    )
    try:
        with database.reading() as session:
            count = session.scalar(closed)
    except SQLAlchemyError as exc:
        return f"cannot be told ({type(exc).__name__})"
    return f"ports that could not be opened: {count}" if count else None


def _broker_trouble(settings: Settings) -> str | None:
    """What keeps the broker (RabbitMQ, or the embedded one) from answering."""
    try:
        with open_broker(settings) as connection:
            connection.ensure_connection(max_retries=1, reraise_as_library_errors=True)
    except BROKER_ERRORS as exc:
        return f"does not answer ({type(exc).__name__})"
    return None
