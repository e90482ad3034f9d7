"""What one of the workers does every few seconds, under a lease: sum up, look, evaluate, report."""

import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from common.clock import utc_now
from common.db.database import Database, insert_into
from common.jobs.leases import ClaimLost, claim_due, held, is_free
from common.logs import get_logger
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from proxy.alerts.evaluation import evaluate
from proxy.alerts.one_by_one import SomeFailed
from proxy.alerts.reports import queue_due_reports
from proxy.checks.own_parts import probes
from proxy.checks.probes import ask_all
from proxy.checks.reading import keep
from proxy.container import Container
from proxy.models import WatchJob
from proxy.statistics.minute_rollups import roll_up_minutes

log = get_logger(__name__)

LEASE = timedelta(seconds=20)
#: What reads the record of calls rests so many times as long as it took, up to a minute: however
#: many calls there are, it is a twentieth of a processor.
REST = 20
MOST_REST = timedelta(minutes=1)


@dataclass(frozen=True)
class JobClaim:
    """A job that is ours while the token stands."""

    name: str
    token: uuid.UUID

    def confirm(self, session: Session) -> None:
        """Hold the claim until the transaction ends. Raises ClaimLost."""
        row = select(WatchJob).where(WatchJob.name == self.name, held(WatchJob, self.token))
        if session.scalar(row.with_for_update()) is None:
            raise ClaimLost(self.name)


Job = Callable[[JobClaim], object]


@dataclass(frozen=True)
class Recurring:
    """A job, and how long after it has been done it is due again."""

    period: timedelta
    job: Job
    #: It is due later where it takes long.
    rests: bool = False

    def pause(self, took: timedelta) -> timedelta:
        """Until it is due again."""
        return max(self.period, min(took * REST, MOST_REST)) if self.rests else self.period


@dataclass(frozen=True)
class Watch:
    """The jobs of a process by their names."""

    database: Database
    jobs: Mapping[str, Recurring]

    def prepare(self) -> None:
        """Make the jobs known, once for all workers."""
        rows = [
            {"name": name, "attempt_count": 0, "next_attempt_at": utc_now()} for name in self.jobs
        ]
        with self.database.writing() as session:
            session.execute(insert_into(session, WatchJob).on_conflict_do_nothing(), rows)

    def do_due(self) -> int:
        """Do the jobs that are due and in nobody's hands, one after the other.

        What keeps one from being done is kept with it, until it is done again.
        """
        done = 0
        due = self._due()
        for name, recurring in self.jobs.items():
            if name not in due:
                continue
            claim = self._claimed(name)
            if claim is None:
                continue
            began_s = time.monotonic()
            trouble = _tried(name, recurring.job, claim)
            took = timedelta(seconds=time.monotonic() - began_s)
            self._free(claim, recurring.pause(took), trouble)
            done += 1
        return done

    def _due(self) -> set[str]:
        """Those that it may be worth to claim."""
        due = select(WatchJob.name).where(is_free(WatchJob, utc_now()))
        with self.database.glancing() as connection:
            return set(connection.scalars(due))

    def _claimed(self, name: str) -> JobClaim | None:
        with self.database.writing() as session:
            rows = claim_due(
                session,
                WatchJob,
                WatchJob.name == name,
                order_by=[WatchJob.name],
                limit=1,
                now=utc_now(),
                lease=LEASE,
            )
            return next((JobClaim(name, row.lease_token) for row in rows if row.lease_token), None)

    def _free(self, claim: JobClaim, pause: timedelta, trouble: str) -> None:
        mine = WatchJob.name == claim.name, held(WatchJob, claim.token)
        freed = {
            "lease_token": None,
            "lease_until": None,
            "next_attempt_at": utc_now() + pause,
            "trouble": trouble,
        }
        with self.database.writing() as session:
            session.execute(update(WatchJob).where(*mine).values(**freed))


def _tried(name: str, job: Job, claim: JobClaim) -> str:
    """Do a job; what kept it from being done."""
    try:
        job(claim)
    except ClaimLost:
        log.warning("watch_claim_lost", job=name)
    except SQLAlchemyError as exc:
        log.warning("watch_failed", job=name, reason=type(exc).__name__)
        return f"failed ({type(exc).__name__})"
    except SomeFailed as exc:
        return f"failed for {exc}"
    except Exception as exc:
        log.exception("watch_broke", job=name)
        return f"failed ({type(exc).__name__}); the log has more"
    return ""


def watch_of(container: Container) -> Watch:
    """What a worker of this installation watches."""
    database, settings = container.database, container.settings
    executor = ThreadPoolExecutor(16, "checks")
    asked = probes(container)

    def look(claim: JobClaim) -> None:
        findings = ask_all(executor, asked)
        with database.writing() as session:
            claim.confirm(session)
            keep(session, findings, utc_now())

    def in_a_transaction(act: Callable[[Session], tuple[int, list[str]]], claim: JobClaim) -> None:
        with database.writing() as session:
            claim.confirm(session)
            _, failed = act(session)
        if failed:
            raise SomeFailed(", ".join(failed))

    return Watch(
        database,
        {
            "minutes": Recurring(
                timedelta(seconds=4),
                lambda claim: roll_up_minutes(database, utc_now(), claim.confirm),
                rests=True,
            ),
            "checks": Recurring(timedelta(seconds=3), look),
            "alerts": Recurring(
                timedelta(seconds=3),
                partial(
                    in_a_transaction,
                    lambda session: evaluate(
                        session, utc_now(), settings.console_url, settings.default_language
                    ),
                ),
            ),
            "reports": Recurring(
                timedelta(minutes=1),
                partial(
                    in_a_transaction,
                    lambda session: queue_due_reports(
                        session, utc_now(), settings.default_language
                    ),
                ),
            ),
        },
    )
