"""One run from its beginning to its end: settle what is left, decide, dispatch, count."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime

from common.logs import get_logger

from policy_notify.container import Container
from policy_notify.models import IndicationDetails, NotificationType, Run
from policy_notify.runs import lifecycle
from policy_notify.runs.attempts import PolicyAttempts
from policy_notify.runs.decide import Judge, Verdict, decide_all, judge_for
from policy_notify.runs.detect import find, searches
from policy_notify.runs.dispatch import Dispatcher
from policy_notify.runs.lease import Lease
from policy_notify.runs.schedule import day_of
from policy_notify.runs.summary import summarise
from policy_notify.sweeper import settle_interrupted

log = get_logger(__name__)


def carry_out(
    container: Container, run: Run, lease: Lease, is_stopping: Callable[[], bool]
) -> bool:
    """Do the whole run, or go on with it; False when it was stopped before its end.

    Raises RunLost, when another worker holds the lease by now.
    """
    settings, database = container.settings, container.database

    def judge_at(now: datetime) -> Judge:
        day = day_of(run.run_date, run.created_at, now, settings.scheme_timezone)
        return judge_for(settings, container.texts, day)

    judge = judge_at(lease.now())
    log.info("run_begins", run_id=str(run.id), date=str(judge.today), again=run.continuations)
    keep_days = settings.catch_up_days
    attempts = PolicyAttempts(judge_at)
    dispatcher = Dispatcher(database, container.providers, lease, attempts, keep_days=keep_days)
    repeatable = [provider.name for provider in container.providers if provider.is_repeatable]
    settle_interrupted(database, IndicationDetails, repeatable, lease.now(), lease.keep)
    if not (
        decide_all(database, settings, judge, run.id, lease, is_stopping)
        and dispatcher.run(is_stopping)
    ):
        _pause(container, lease)
        return False
    with database.reading() as session:
        summary = summarise(session, run.id)
    lifecycle.end(database, lease, run.id, summary)
    counts = {name: summary[name] for name in ("found", "eligible", "sent", "failed")}
    log.info("run_ended", run_id=str(run.id), **counts)
    return True


def _pause(container: Container, lease: Lease) -> None:
    """The run stays on record as running; whoever takes the lease next goes on with it."""
    with container.database.writing() as session:
        lease.give_back(session)


def rehearse(
    container: Container, today: date, types: frozenset[NotificationType] | None = None
) -> Iterator[Verdict]:
    """What a run for `today` would decide; nothing is written and nothing leaves.

    `types`: as if these were what is enabled, so that a type can be looked at before it is.
    """
    settings = (
        container.settings if types is None else replace(container.settings, eligible_types=types)
    )
    judge = judge_for(settings, container.texts, today)
    for search in searches(settings, today):
        for batch in find(container.database, search, None):
            yield from map(judge.decide, batch)
