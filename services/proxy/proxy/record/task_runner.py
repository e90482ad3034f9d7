"""A worker's end of rerun tasks: batch after batch, until the task is over or the worker stops."""

import asyncio
import uuid
from collections.abc import Callable

from common.db.database import Database
from common.db.reader import Reader
from common.jobs.leases import ClaimLost
from common.logs import get_logger

from proxy.gateway.routing import Routing
from proxy.models import RerunTask
from proxy.record.sealing import Sealer
from proxy.record.task_batches import TaskClaim, give_back, next_batch

log = get_logger(__name__)

#: Tasks that a worker has in hand at once: calls share its threads.
AT_ONCE = 2
#: Between two looks at calls in hand: longer and longer while none of them ends.
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0


def task_claim(row: RerunTask, token: uuid.UUID) -> TaskClaim:
    """What the runner needs of a claimed task."""
    return TaskClaim(row.id, token)


class TaskRunner:
    """Runs claimed tasks until `stopping`; `wake` tells that there are new calls to make."""

    def __init__(
        self,
        database: Database,
        routing: Routing,
        sealer: Sealer,
        threads: Reader,
        stopping: asyncio.Event,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._routing = routing
        self._sealer = sealer
        self._threads = threads
        self._stopping = stopping
        self._wake = wake

    async def run(self, claim: TaskClaim) -> None:
        """Work on one task."""
        pause_s = FIRST_PAUSE_S
        try:
            while not self._stopping.is_set():
                table = self._routing.table()
                batch = await self._threads.run(
                    lambda table=table: next_batch(  # type: ignore[misc]
                        self._database, self._sealer, table, claim
                    )
                )
                if batch.made:
                    self._wake()
                if batch.is_over:
                    return
                pause_s = FIRST_PAUSE_S if batch.has_changed else min(2 * pause_s, LONGEST_PAUSE_S)
                await self._pause(pause_s)
            await self._threads.run(lambda: give_back(self._database, claim))
        except ClaimLost:
            log.warning("claim_lost", task=str(claim.task_id))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
