"""Many calls that have ended are made again at once: those that meet a filter."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from common.db.database import Database
from sqlalchemy.orm import Session

from proxy.errors import NotRepeatable, RepeatedAlready
from proxy.gateway.load_table import load_table
from proxy.record.reruns import Rerun, repeated_of, rerun
from proxy.record.sealing import Sealer
from proxy.record.search import newest
from proxy.record.transactions import TransactionFilter

#: Reruns that are committed together: small, so that calls do not wait for them.
BATCH = 50


@dataclass(frozen=True)
class RefusedRerun:
    """A call that cannot be repeated, and why."""

    correlation_id: uuid.UUID
    reason: str


@dataclass
class Reruns:
    """What came of repeating many calls; `more` tells that there are further ones."""

    data: list[Rerun] = field(default_factory=list)
    refused: list[RefusedRerun] = field(default_factory=list)
    #: Calls that were repeated already.
    left_out: int = 0
    more: bool = False
    ok: bool = True

    @property
    def count(self) -> int:
        """How many new calls there are."""
        return len(self.data)


def rerun_matching(
    database: Database,
    sealer: Sealer,
    wanted: TransactionFilter,
    limit: int,
    forward_timeout_s: float,
    *,
    include_repeated: bool = False,
) -> Reruns:
    """Repeat the newest `limit` calls that meet the filter; each batch is one transaction.

    Repetitions do not count, and calls that were repeated are left out unless they are wanted, too.
    """
    with database.reading() as session:
        calls, _ = newest(session, wanted, limit + 1)
    originals = [call.correlation_id for call in calls[:limit] if call.parent_id is None]
    outcome = Reruns(more=len(calls) > limit)
    for start in range(0, len(originals), BATCH):
        batch = originals[start : start + BATCH]
        _rerun_batch(database, sealer, batch, outcome, forward_timeout_s, include_repeated)
    return outcome


@dataclass(frozen=True)
class Meant:
    """Calls that meet a filter: originals, how many of them were repeated, and repetitions."""

    originals: int
    repeated: int
    repetitions: int
    #: There are more of them, which were not counted.
    is_cut: bool


def meant(session: Session, wanted: TransactionFilter, most: int) -> Meant:
    """What the newest `most` calls that meet the filter are."""
    calls, _ = newest(session, wanted, most + 1)
    originals = [call.correlation_id for call in calls[:most] if call.parent_id is None]
    repeated = len(repeated_of(session, originals))
    counted = min(most, len(calls))
    return Meant(len(originals), repeated, counted - len(originals), len(calls) > most)


def _rerun_batch(
    database: Database,
    sealer: Sealer,
    ids: Sequence[uuid.UUID],
    outcome: Reruns,
    forward_timeout_s: float,
    include_repeated: bool,
) -> None:
    created, refused, left_out = [], [], 0
    with database.writing() as session:
        table = load_table(session, 0, forward_timeout_s)
        for parent_id in ids:
            try:
                created.append(
                    rerun(session, sealer, table, parent_id, only_once=not include_repeated)
                )
            except RepeatedAlready:
                left_out += 1
            except NotRepeatable as exc:
                refused.append(RefusedRerun(parent_id, str(exc)))
    outcome.data += created
    outcome.refused += refused
    outcome.left_out += left_out
