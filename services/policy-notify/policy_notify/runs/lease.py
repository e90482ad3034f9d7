"""The right to do what one process at a time may do: taken with a token, kept by renewing it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.clock import utc_now
from sqlalchemy import CursorResult, Update, or_, update
from sqlalchemy.orm import Session

from policy_notify.errors import RunLost
from policy_notify.models import RunLease, SyncState

LEASE_ID = 1
#: The row of `RunLease` for messages about payments: they do not wait for a run's end.
PAYMENTS_LEASE_ID = 2


@dataclass(frozen=True)
class Lease:
    """The right to do what only one process may; `row`, `row_id`: where it stands."""

    length: timedelta
    token: uuid.UUID = field(default_factory=uuid.uuid4)
    now: Callable[[], datetime] = utc_now
    row: type[RunLease] | type[SyncState] = RunLease
    row_id: int = LEASE_ID

    def take(self, session: Session) -> bool:
        """Take it if nobody holds it."""
        is_free = or_(self.row.until.is_(None), self.row.until < self.now())
        return self._changes(session, update(self.row).where(is_free))

    def keep(self, session: Session) -> None:
        """Renew it in the caller's transaction. Raises RunLost when another worker took it."""
        if not self._changes(session, update(self.row).where(self.row.token == self.token)):
            raise RunLost

    def _changes(self, session: Session, statement: Update) -> bool:
        done = session.execute(
            statement.where(self.row.id == self.row_id)
            .values(token=self.token, until=self.now() + self.length)
            .execution_options(synchronize_session=False)
        )
        assert isinstance(done, CursorResult)
        return bool(done.rowcount)

    def give_back(self, session: Session) -> None:
        """Let the next one run at once."""
        session.execute(
            update(self.row)
            .where(self.row.token == self.token)
            .values(token=None, until=None)
            .execution_options(synchronize_session=False)
        )
