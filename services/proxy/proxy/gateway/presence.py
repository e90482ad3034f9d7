"""Which gateway processes are alive: what a dead one left `processing` can be ended by others."""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from common.clock import utc_now
from common.database import Database
from common.logs import get_logger
from sqlalchemy import delete, update
from sqlalchemy.exc import SQLAlchemyError

from proxy.models import GatewayProcess

log = get_logger(__name__)

SIGN_EVERY_S = 3.0
#: A process that has not signed for this long is dead.
DEAD_AFTER = timedelta(seconds=15)


class Presence:
    """Signs for this process every `SIGN_EVERY_S` once it owns a call."""

    def __init__(self, database: Database, offload: Callable[[Callable[[], Any]], Any]) -> None:
        self._database = database
        self._offload = offload
        self._owner: str | None = None
        self._starting = threading.Lock()

    def owner(self) -> str:
        """The name under which this process owns calls; the first use signs it in."""
        if self._owner is None:
            with self._starting:
                if self._owner is None:
                    name = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
                    self._offload(lambda: self._sign_in(name))
                    threading.Thread(
                        target=self._keep_signing, args=(name,), name="presence", daemon=True
                    ).start()
                    self._owner = name
        return self._owner

    def _sign_in(self, name: str) -> None:
        with self._database.writing() as session:
            session.add(GatewayProcess(name=name, seen_at=utc_now()))

    def _sign(self, name: str) -> None:
        with self._database.writing() as session:
            signed = session.execute(
                update(GatewayProcess).where(GatewayProcess.name == name).values(seen_at=utc_now())
            )
            if not signed.rowcount:  # type: ignore[attr-defined]
                session.add(GatewayProcess(name=name, seen_at=utc_now()))

    def _keep_signing(self, name: str) -> None:
        while True:
            time.sleep(SIGN_EVERY_S)
            try:
                self._offload(lambda: self._sign(name))
            except SQLAlchemyError as exc:
                log.warning("presence_not_signed", reason=type(exc).__name__)


def forget_dead(database: Database) -> None:
    """Remove the names of processes that have been dead for long."""
    with database.writing() as session:
        session.execute(
            delete(GatewayProcess).where(GatewayProcess.seen_at < utc_now() - 20 * DEAD_AFTER)
        )
