"""A worker's hands: claims as many leased rows as it has threads free, and keeps their leases."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from sqlalchemy import ColumnElement
from sqlalchemy.exc import SQLAlchemyError

from common.clock import utc_now
from common.database import Database
from common.leases import Leased, claim_due, renew
from common.logs import get_logger

log = get_logger(__name__)


class Claim(Protocol):
    """What a row's work needs to know, once the row is claimed."""

    @property
    def token(self) -> uuid.UUID:
        """The claim under which it may be finished."""


Row = TypeVar("Row", bound=Leased)
ClaimT = TypeVar("ClaimT", bound=Claim)


class LeasedWork(Generic[Row, ClaimT]):
    """Runs the due rows of `model` that meet `criteria`, each in a thread.

    `describe(row, token)` makes the claim in the claiming transaction; `run(claim)` works on it
    and finishes the row while the token still stands. `log_id` names a claim in the log.
    """

    def __init__(
        self,
        database: Database,
        model: type[Row],
        describe: Callable[[Row, uuid.UUID], ClaimT],
        run: Callable[[ClaimT], None],
        *criteria: ColumnElement[bool],
        slots: int,
        lease_s: float,
        log_id: Callable[[ClaimT], str],
    ) -> None:
        self._database = database
        self._model = model
        self._describe = describe
        self._run = run
        self._criteria = criteria
        self._slots = slots
        self._lease = timedelta(seconds=lease_s)
        self._log_id = log_id
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix=model.__name__)
        self._running: dict[uuid.UUID, int] = {}
        self._lock = threading.Lock()
        self._free = threading.Event()

    def step(self) -> int:
        """Start what is due and fits; returns how much was started."""
        with self._lock:
            free = self._slots - sum(self._running.values())
        if not free:
            self._free.clear()
            self._free.wait(timeout=1.0)
            return 1
        claims = self._claim(free)
        if claims:
            with self._lock:
                self._running[claims[0].token] = len(claims)
        for claim in claims:
            self._threads.submit(self._work, claim)
        return len(claims)

    def renew_leases(self) -> None:
        """Keep what runs in this process."""
        with self._lock:
            tokens = list(self._running)
        if not tokens:
            return
        with self._database.writing() as session:
            for token in tokens:
                renew(session, self._model, token, utc_now() + self._lease)

    def drain(self) -> None:
        """Wait for what is in hand."""
        self._threads.shutdown(wait=True)

    def _claim(self, limit: int) -> list[ClaimT]:
        with self._database.writing() as session:
            rows = claim_due(
                session,
                self._model,
                *self._criteria,
                order_by=[self._model.next_attempt_at],
                limit=limit,
                now=utc_now(),
                lease=self._lease,
            )
            return [self._describe(row, row.lease_token) for row in rows if row.lease_token]

    def _work(self, claim: ClaimT) -> None:
        try:
            self._run(claim)
        except SQLAlchemyError as exc:
            # Its lease ends and the row is taken up again, as its columns say.
            log.error("work_not_ended", id=self._log_id(claim), reason=type(exc).__name__)
        except Exception:
            log.exception("work_broke", id=self._log_id(claim))
            raise
        finally:
            with self._lock:
                self._running[claim.token] -= 1
                if not self._running[claim.token]:
                    del self._running[claim.token]
            self._free.set()
