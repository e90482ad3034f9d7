"""gunicorn's own lines, as JSON like all others, and without what a query may hold."""

import os
import re
from typing import Any

from gunicorn.glogging import Logger

from common.logs import configure_logging

_QUERY = re.compile(r"\?[^\s'\"]*")


class JsonLogger(Logger):
    """Passes gunicorn's lines on to the root logger; the app it serves names the service."""

    def setup(self, cfg: Any) -> None:
        """Configure the process's logging, before the app does."""
        service = str(cfg.default_proc_name).partition(":")[0]
        configure_logging(service, os.environ.get("LOG_LEVEL", "INFO").upper())
        self.error_log.handlers, self.error_log.propagate = [], True
        self.error_log.setLevel("INFO")
        self.cfg = cfg

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Of a request only its path."""
        self.error_log.warning(_without_query(msg, args), **kwargs)

    def error(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """The same."""
        self.error_log.error(_without_query(msg, args), **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """The same."""
        self.error_log.exception(_without_query(msg, args), **kwargs)


def _without_query(msg: Any, args: tuple[Any, ...]) -> str:
    text = str(msg) % args if args else str(msg)
    return _QUERY.sub("?…", text)
