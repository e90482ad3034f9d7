"""Calls as they begin and end, for everybody who watches: one look at the database for all of them.

Each process looks by itself, so it does not matter which one records a call. A call is seen while
it is young (its id is made when it begins), and when it stands differently than at the last look.
"""

import queue
import threading
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from common.clock import utc_now
from common.db.database import Database
from common.errors import TooManyRequests
from common.ids import lowest_id_at
from common.logs import get_logger
from common.web.draining import draining
from sqlalchemy import ColumnElement
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from proxy.models import Transaction, TransactionStatus
from proxy.record.search import meeting
from proxy.record.transactions import TransactionFilter, open_calls

log = get_logger(__name__)

LOOK_EVERY_S = 1.0
#: A call is on record this long after its id was made, at the latest.
YOUNG = timedelta(seconds=10)
#: Nobody reads more; of more, the newest are shown.
CALLS_PER_LOOK = 50
OPEN_WATCHED = 1000
MAX_VIEWERS = 50
_BACKLOG = 30

Statuses = Mapping[uuid.UUID, TransactionStatus]


@dataclass(frozen=True)
class Change:
    """Calls that are new or stand differently, and those that left the filter."""

    calls: Sequence[Transaction]
    gone: Collection[uuid.UUID]


class Viewer:
    """One who watches the calls that meet a filter."""

    def __init__(self, wanted: TransactionFilter) -> None:
        self.wanted = wanted
        self.is_over = False
        self._changes: queue.Queue[Change | None] = queue.Queue(_BACKLOG)

    def tell(self, change: Change | None) -> None:
        """Pass on a change; None is the end. Who does not keep up has to begin anew."""
        try:
            self._changes.put_nowait(change)
        except queue.Full:
            self.is_over = True

    def next(self, timeout_s: float) -> Change | None:
        """The next change; None when there is none in time, or none any more (`is_over`)."""
        try:
            change = self._changes.get(timeout=timeout_s)
        except queue.Empty:
            return None
        self.is_over = self.is_over or change is None
        return change


@dataclass(eq=False)
class Feed:
    """The viewers of one filter, and how the young calls stood that they were told of."""

    viewers: list[Viewer] = field(default_factory=list)
    shown: Statuses = field(default_factory=dict)

    def change(
        self,
        young: Sequence[Transaction],
        older: Sequence[Transaction],
        youngest: uuid.UUID,
        changed: Collection[uuid.UUID],
    ) -> Change | None:
        """What to tell, from the calls that meet the filter now.

        `young` are the newest of those since `youngest`, `older` those of `changed`: calls from
        before it that stand differently than at the last look.
        """
        now = {call.correlation_id: call.status for call in young}
        known_from = min(now) if len(now) == CALLS_PER_LOOK else youngest
        left = {one for one in self.shown if one >= known_from and one not in now}
        still = {call.correlation_id for call in older}
        newer = [call for call in young if self.shown.get(call.correlation_id) != call.status]
        self.shown = now
        change = Change([*newer, *older], left | (set(changed) - still))
        return change if change.calls or change.gone else None


class LiveFeed:
    """Tells viewers what changes, while there are any."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._feeds: dict[TransactionFilter, Feed] = {}
        self._open: Statuses = {}
        self._is_looking = False

    def watch(self, wanted: TransactionFilter) -> Viewer:
        """Who is told from now on, until `leave`. Raises TooManyRequests."""
        viewer = Viewer(wanted)
        with self._lock:
            if sum(len(feed.viewers) for feed in self._feeds.values()) >= MAX_VIEWERS:
                raise TooManyRequests("Too many pages are watching already.", 60)
            self._feeds.setdefault(wanted, Feed()).viewers.append(viewer)
            if not self._is_looking:
                self._is_looking, self._open = True, {}
                threading.Thread(target=self._run, name="live-feed", daemon=True).start()
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """The viewer has gone."""
        with self._lock:
            feed = self._feeds[viewer.wanted]
            feed.viewers.remove(viewer)
            if not feed.viewers:
                del self._feeds[viewer.wanted]

    def _run(self) -> None:
        while feeds := self._watched():
            try:
                changes = self._look(feeds)
            except SQLAlchemyError as exc:
                log.warning("live_feed_cannot_look", reason=type(exc).__name__)
                changes = []
            for feed, change in changes:
                self._tell(feed, change)
            if draining.has_begun:
                for feed in feeds.values():
                    self._tell(feed, None)
            time.sleep(LOOK_EVERY_S)

    def _watched(self) -> dict[TransactionFilter, Feed]:
        with self._lock:
            self._is_looking = bool(self._feeds)
            return dict(self._feeds)

    def _tell(self, feed: Feed, change: Change | None) -> None:
        with self._lock:
            for viewer in feed.viewers:
                viewer.tell(change)

    def _look(self, feeds: Mapping[TransactionFilter, Feed]) -> list[tuple[Feed, Change]]:
        youngest = lowest_id_at(utc_now() - YOUNG)
        with self._database.reading() as session:
            changed = self._older_that_changed(session, youngest)
            found = [
                (feed, _look_for(session, wanted, feed, youngest, changed))
                for wanted, feed in feeds.items()
            ]
        return [(feed, change) for feed, change in found if change]

    def _older_that_changed(self, session: Session, youngest: uuid.UUID) -> set[uuid.UUID]:
        before = self._open
        self._open = dict(session.execute(open_calls(OPEN_WATCHED)).all())
        return {
            one
            for one, status in before.items()
            if one < youngest and self._open.get(one) != status
        }


def _look_for(
    session: Session,
    wanted: TransactionFilter,
    feed: Feed,
    youngest: uuid.UUID,
    changed: Collection[uuid.UUID],
) -> Change | None:
    key = Transaction.correlation_id

    def those(condition: ColumnElement[bool]) -> Sequence[Transaction]:
        placed = lambda query: query.where(condition).order_by(key.desc())  # noqa: E731
        return meeting(session, wanted, CALLS_PER_LOOK, placed)

    young, older = those(key >= youngest), those(key.in_(changed)) if changed else []
    return feed.change(young, older, youngest, changed)
