"""The parts that the hub needs, asked whether they answer."""

from typing import Any

from common.broker import BROKER_ERRORS, open_broker
from common.health import database_answers

from proxy.config import Settings
from proxy.parts import Parts

Answer = dict[str, Any]


def check_all(parts: Parts) -> dict[str, Answer]:
    """`{"database": {"ok", "checked"}, "rabbitmq": {…}}`; not asked, a part counts as well."""
    if not parts.settings.check_dependencies:
        unasked = {"ok": True, "checked": False}
        return {"database": unasked, "rabbitmq": unasked}
    return ask_all(parts)


def ask_all(parts: Parts) -> dict[str, Answer]:
    """The same, whatever the settings say: every part is really asked."""
    database, broker = database_answers(parts.database.engine), _broker_trouble(parts.settings)
    return {
        "database": _answer(None if database else "does not answer"),
        "rabbitmq": _answer(broker),
    }


def _answer(trouble: str | None) -> Answer:
    if trouble is None:
        return {"ok": True, "checked": True}
    return {"ok": False, "checked": True, "detail": trouble}


def _broker_trouble(settings: Settings) -> str | None:
    """What keeps the broker (RabbitMQ, or the embedded one) from answering."""
    try:
        with open_broker(settings) as connection:
            connection.ensure_connection(max_retries=1, reraise_as_library_errors=True)
    except BROKER_ERRORS as exc:
        return f"does not answer ({type(exc).__name__})"
    return None
