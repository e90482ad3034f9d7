"""The outbox engine: due messages are claimed, begun, sent, ended. Workers and the API use it."""

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from operator import attrgetter

from common.clock import utc_now
from common.db.database import Database
from common.logs import get_logger
from sqlalchemy.orm import Session

from notification.models import AttemptStatus, ChannelCode, MessageStatus
from notification.models.records import Record
from notification.outbox.attachments import Files, read_files
from notification.outbox.attempt_ends import Ended
from notification.outbox.attempts import NO_FILES, attempt
from notification.outbox.claiming import Slice, claim_due, give_back, kept
from notification.outbox.delivery_log import Committed, EndedSlice, commit_slices, put_in_inboxes
from notification.outbox.retrying import retry_while_away
from notification.outbox.transports import Gates, write_gate
from notification.transports import Sender, Transport

log = get_logger(__name__)

#: Messages claimed at once.
BATCH = 256


class Processed(Record, frozen=True):
    """What became of a message in one attempt."""

    outbox_id: uuid.UUID
    channel: ChannelCode
    status: MessageStatus
    result: AttemptStatus
    error: str | None = None


def _never() -> bool:
    return False


class Outbox:
    """Brings due messages to their persons; any number of threads and processes at once.

    A message is UNKNOWN only between the commit that begins its slice and the one that ends it.
    """

    def __init__(
        self, database: Database, transports: Mapping[ChannelCode, Transport], lease_s: float
    ) -> None:
        self._database = database
        self._transports = transports
        #: A transport serves one thread at a time.
        self._turns = {channel: threading.Lock() for channel in transports}
        self._lease = timedelta(seconds=lease_s)
        self._gates = Gates({channel: one.gates for channel, one in transports.items()})

    @property
    def channels(self) -> list[ChannelCode]:
        """The channels that have a transport."""
        return [ChannelCode.IN_APP, *self._transports]

    def pause_s(self, channel: ChannelCode) -> float:
        """Seconds until the channel's way takes a message again; 0: it does."""
        return self._gates.pause_s(channel, utc_now())

    def process(
        self,
        channels: Sequence[ChannelCode],
        limit: int,
        is_stopping: Callable[[], bool] = _never,
    ) -> list[Processed]:
        """Send up to `limit` due messages of `channels`, the most urgent first.

        What is not begun when it `is_stopping` is given back. Raises SQLAlchemyError.
        """
        done: list[Processed] = []
        while len(done) < limit and not is_stopping():
            slices = self._claim(channels, min(BATCH, limit - len(done)))
            if not slices:
                break
            done += self._deliver(slices, is_stopping)
        return done

    def _claim(self, channels: Sequence[ChannelCode], limit: int) -> list[Slice]:
        sizes = {
            channel: BATCH
            if channel is ChannelCode.IN_APP
            else min(BATCH, self._transports[channel].slice_size)
            for channel in channels
        }
        now = utc_now()
        with self._database.writing() as session:
            self._gates.learn(session, now)
            quotas = self._gates.quotas(channels, now)
            open_channels = {one: size for one, size in sizes.items() if quotas.get(one) != 0}
            return claim_due(
                session, open_channels, limit=limit, now=now, lease=self._lease, quotas=quotas
            )

    def _deliver(self, slices: Sequence[Slice], is_stopping: Callable[[], bool]) -> list[Processed]:
        done: list[Processed] = []
        tokens = [one.token for one in slices]
        with kept(self._database, tokens, self._lease):
            for channel, group in groupby(slices, attrgetter("channel")):
                if channel is ChannelCode.IN_APP:
                    done += [one for claimed in group for one in self._put(claimed)]
                    continue
                with self._turns[channel], self._transports[channel].batch() as sender:
                    done += self._send(sender, list(group), is_stopping)
        if len(done) < sum(len(one.jobs) for one in slices):
            with self._database.writing() as session:
                give_back(session, tokens)
        return done

    def _put(self, claimed: Slice) -> list[Processed]:
        """Deliver in-app messages: nothing leaves, one transaction does it."""
        put = retry_while_away(
            self._database,
            lambda session: put_in_inboxes(session, claimed, utc_now()),
            at_most_s=self._lease.total_seconds(),
        )
        delivered = (ChannelCode.IN_APP, MessageStatus.DELIVERED, AttemptStatus.DELIVERED)
        return [Processed(one.id, *delivered) for one in put]

    def _send(
        self, sender: Sender, slices: Sequence[Slice], is_stopping: Callable[[], bool]
    ) -> list[Processed]:
        """Send slice by slice; one transaction ends a slice and begins the next."""
        done: list[Processed] = []
        ended: EndedSlice | None = None
        for claimed in [*slices, None]:
            is_closed = ended is not None and any(
                one.result.closes_transport for one in ended.attempts
            )
            beginning = None if is_stopping() or is_closed else claimed
            committed, files = self._turn(slices[0].channel, ended, beginning)
            done += map(_processed, committed.ended)
            if beginning is None:
                break
            ended = EndedSlice(beginning.token, attempt(sender, committed.begun, files))
        return done

    def _turn(
        self, channel: ChannelCode, ended: EndedSlice | None, beginning: Slice | None
    ) -> tuple[Committed, Files]:
        changed = self._gates.changed(channel)
        jobs = beginning.jobs if beginning else ()
        sets = {one.attachment_set for one in jobs if one.attachment_set is not None}

        def act(session: Session) -> tuple[Committed, Files]:
            for gate, state in changed:
                write_gate(session, channel, gate.provider, state, utc_now())
            committed = commit_slices(session, ended, beginning, utc_now())
            return committed, read_files(session, sets) if sets else NO_FILES

        committed, files = retry_while_away(
            self._database, act, at_most_s=self._lease.total_seconds()
        )
        for gate, state in changed:
            gate.recorded = state
        if ended is not None and len(committed.ended) < len(ended.attempts):
            _log_lost(ended.attempts, committed.ended)
        return committed, files


def _log_lost(attempts: Sequence[Ended], ours: Sequence[Ended]) -> None:
    kept_ids = {one.job.id for one in ours}
    for one in attempts:
        if one.job.id not in kept_ids:
            outcome = one.result.outcome.name
            log.error("outcome_lost", outbox_id=str(one.job.id), outcome=outcome)


def _processed(one: Ended) -> Processed:
    job, completion = one.job, one.completion
    return Processed(job.id, job.channel, completion.status, completion.attempt, one.result.error)
