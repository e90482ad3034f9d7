"""Logs are JSON events with fields, on standard error, with correlation id and trace."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from kombu_sqlite import LOG_FIELDS

from common import tracing
from common.correlation import current_request_context

Event = MutableMapping[str, Any]


_SECRET_FIELDS = frozenset(
    {"authorization", "body", "client_secret", "cookie", "password", "secret", "token"}
)


#: One list for the life of a process: loggers that were used already hold it.
_PROCESSORS: list[structlog.typing.Processor] = []


def configure_logging(service: str, level: str) -> None:
    """Send structlog's and the standard library's records through one JSON renderer."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_service(service),
        _add_request_context,
        _mask_secrets,
        structlog.processors.format_exc_info,
    ]
    _PROCESSORS[:] = [*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            # What the standard library's records carry stays out, unless we know what it is.
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(allow=LOG_FIELDS), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: `log.info("message_sent", outbox_id=…)`."""
    return structlog.stdlib.get_logger(name)


def _add_service(service: str) -> structlog.typing.Processor:
    def add(_logger: Any, _method: str, event: Event) -> Event:
        event["service"] = service
        return event

    return add


def _add_request_context(_logger: Any, _method: str, event: Event) -> Event:
    request_context = current_request_context()
    if request_context is not None:
        event.setdefault("correlation_id", request_context.correlation_id)
    for name, value in tracing.log_fields().items():
        event.setdefault(name, value)
    return event


def _mask_secrets(_logger: Any, _method: str, event: Event) -> Event:
    for name in _SECRET_FIELDS & event.keys():
        event[name] = "***"
    return event
