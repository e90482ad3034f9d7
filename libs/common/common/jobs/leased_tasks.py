"""A worker on an event loop: claims leased rows as they fall due, and keeps their leases."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from sqlalchemy import ColumnExpressionArgument
from sqlalchemy.exc import SQLAlchemyError

from common.clock import utc_now
from common.db.database import Database
from common.jobs.leases import Leased, claim_due, is_any_due, renew
from common.logs import get_logger

log = get_logger(__name__)

T = TypeVar("T")
#: Rows that are claimed together.
BATCH = 64
#: How long a worker waits for a wake-up before it looks for itself.
POLL_S = 2.0


class Claim(Protocol):
    """What a row's work needs to know, once the row is claimed."""

    @property
    def token(self) -> uuid.UUID:
        """The claim under which it may be finished."""


Row = TypeVar("Row", bound=Leased)
ClaimT = TypeVar("ClaimT", bound=Claim)


class Threads(Protocol):
    """Where blocking calls run."""

    async def run(self, ask: Callable[[], T]) -> T:
        """What `ask` returns; raises what it raises, TimeoutError when it takes too long."""


class LeasedTasks(Generic[Row, ClaimT]):
    """Runs the due rows of `model` that meet `criteria`, each in a task, `most` at once.

    `describe(row, token)` makes the claim in the claiming transaction; `run(claim)` works on it and
    finishes the row while the token still stands. `log_id` names a claim in the log.
    """

    def __init__(
        self,
        database: Database,
        model: type[Row],
        describe: Callable[[Row, uuid.UUID], ClaimT],
        run: Callable[[ClaimT], Awaitable[None]],
        *criteria: ColumnExpressionArgument[bool],
        threads: Threads,
        most: int,
        lease_s: float,
        log_id: Callable[[ClaimT], str],
    ) -> None:
        self._database = database
        self._model = model
        self._describe = describe
        self._run = run
        self._criteria = criteria
        self._threads = threads
        self._most = most
        self._lease = timedelta(seconds=lease_s)
        self._log_id = log_id
        self._running: dict[asyncio.Task[None], uuid.UUID] = {}
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """Look for due rows now."""
        self._wanted.set()

    async def work(self, stopping: asyncio.Event) -> None:
        """Claim and run until `stopping`, then finish what is in hand."""
        keeping = asyncio.create_task(self._keep_leases())
        try:
            while not stopping.is_set():
                is_woken = self._wanted.is_set()
                self._wanted.clear()
                if not await self._start_due(is_woken):
                    await self._pause(stopping)
            await asyncio.gather(*self._running, return_exceptions=True)
        finally:
            keeping.cancel()

    async def _start_due(self, is_woken: bool = False) -> int:
        """Start what is due and fits; returns how much was started. Who was not woken looks first
        whether there is anything.
        """
        free = min(self._most - len(self._running), BATCH)
        if free <= 0:
            return 0
        try:
            claims = await self._threads.run(lambda: self._claim(free, is_woken))
        except (SQLAlchemyError, TimeoutError) as exc:
            log.error("worker_step_failed", reason=type(exc).__name__)
            return 0
        for claim in claims:
            task = asyncio.create_task(self._work(claim))
            self._running[task] = claim.token
            task.add_done_callback(self._done)
        return len(claims)

    async def _pause(self, stopping: asyncio.Event) -> None:
        """Until a wake-up, or a place that gets free, or for a while."""
        waits = [asyncio.create_task(one.wait()) for one in (self._wanted, stopping)]
        try:
            await asyncio.wait(waits, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        was_full = len(self._running) >= self._most
        del self._running[task]
        if was_full:
            self._wanted.set()

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            tokens = set(self._running.values())
            try:
                if tokens:
                    await self._threads.run(lambda tokens=tokens: self._renew(tokens))  # type: ignore[misc]
            except (SQLAlchemyError, TimeoutError) as exc:
                log.warning("leases_not_renewed", reason=type(exc).__name__)

    def _renew(self, tokens: set[uuid.UUID]) -> None:
        with self._database.writing() as session:
            for token in tokens:
                renew(session, self._model, token, utc_now() + self._lease)

    def _claim(self, limit: int, is_woken: bool) -> list[ClaimT]:
        now = utc_now()
        if not is_woken and not is_any_due(self._database, self._model, *self._criteria, now=now):
            return []
        with self._database.writing() as session:
            rows = claim_due(
                session,
                self._model,
                *self._criteria,
                order_by=[self._model.next_attempt_at],
                limit=limit,
                now=now,
                lease=self._lease,
            )
            return [self._describe(row, row.lease_token) for row in rows if row.lease_token]

    async def _work(self, claim: ClaimT) -> None:
        try:
            await self._run(claim)
        except (SQLAlchemyError, TimeoutError) as exc:
            # Its lease ends and the row is taken up again, as its columns say.
            log.error("work_not_ended", id=self._log_id(claim), reason=type(exc).__name__)
        except Exception:
            log.exception("work_broke", id=self._log_id(claim))
