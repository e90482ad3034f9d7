"""Which gateway processes are alive: what a dead one left `processing` can be ended by others.

A process signs through the writer of calls: one that cannot write is not alive to others. It also
looks for calls of its own that stand `processing` and that it no longer knows.
"""

import asyncio
import os
import socket
import uuid
from datetime import timedelta

from common.clock import utc_now
from common.db.database import Database
from common.db.reader import Reader
from common.db.rows.errors import WriteFailed
from common.logs import get_logger
from sqlalchemy.exc import SQLAlchemyError

from proxy.record.statements import Act
from proxy.record.writer import Writer
from proxy.sweeper import DEAD_AFTER, end_unknown

log = get_logger(__name__)

SIGN_EVERY_S = 3.0
#: A call that stands `processing` for longer, and is in nobody's hands, is lost.
LOST_AFTER = timedelta(seconds=15)


class Heartbeat:
    """Signs for this process every `SIGN_EVERY_S`."""

    def __init__(self, database: Database, writer: Writer, reader: Reader) -> None:
        self.owner = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
        self.signed_at = float("-inf")
        self._database = database
        self._writer = writer
        self._reader = reader

    def is_signed(self) -> bool:
        """Whether the writer took our sign lately."""
        now = asyncio.get_running_loop().time()
        return now - self.signed_at < DEAD_AFTER.total_seconds()

    async def sign(self) -> None:
        """Say that this process is alive. Raises WriteFailed."""
        row = {"name": self.owner, "seen_at": utc_now()}
        await self._writer.write({Act.ALIVE: row})
        self.signed_at = asyncio.get_running_loop().time()

    async def keep_signing(self) -> None:
        """Sign, and end what was lost, until cancelled."""
        while True:
            try:
                await self.sign()
                await self._end_lost()
            except (WriteFailed, SQLAlchemyError, TimeoutError) as exc:
                log.warning("heartbeat_not_written", reason=type(exc).__name__)
            await asyncio.sleep(SIGN_EVERY_S)

    async def _end_lost(self) -> None:
        known = frozenset(self._writer.open_calls)
        before = utc_now() - LOST_AFTER
        await self._reader.run(lambda: end_unknown(self._database, self.owner, known, before))
