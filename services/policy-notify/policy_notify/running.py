"""One run from its beginning to its end: settle what is left, decide, dispatch, count."""

from collections.abc import Callable, Iterator
from datetime import date

from common.logs import get_logger

from policy_notify import runs
from policy_notify.deciding import Verdict, decide_all, judge_for
from policy_notify.detection import find, searches
from policy_notify.dispatch import Dispatcher
from policy_notify.models import Run
from policy_notify.parts import Parts
from policy_notify.run_summary import summarise
from policy_notify.runs import Lease
from policy_notify.schedule import day_of

log = get_logger(__name__)


def carry_out(parts: Parts, run: Run, lease: Lease, is_stopping: Callable[[], bool]) -> bool:
    """Do the whole run, or go on with it; False when it was stopped before its end.

    Raises RunLost, when another worker holds the lease by now.
    """
    settings, database = parts.settings, parts.database
    day = day_of(run.run_date, run.created_at, lease.now(), settings.scheme_timezone)
    log.info("run_begins", run_id=str(run.id), date=str(day), again=run.continuations)
    dispatcher = Dispatcher(database, parts.providers, lease, keep_days=settings.catch_up_days)
    dispatcher.recover()
    judge = judge_for(settings, parts.texts, day)
    if not (
        decide_all(database, settings, judge, run.id, lease, is_stopping)
        and dispatcher.run(is_stopping)
    ):
        _pause(parts, lease)
        return False
    with database.reading() as session:
        summary = summarise(session, run.id)
    runs.end(database, lease, run.id, summary)
    counts = {name: summary[name] for name in ("found", "eligible", "sent", "failed")}
    log.info("run_ended", run_id=str(run.id), **counts)
    return True


def _pause(parts: Parts, lease: Lease) -> None:
    """The run stays on record as running; whoever takes the lease next goes on with it."""
    with parts.database.writing() as session:
        lease.give_back(session)


def rehearse(parts: Parts, today: date) -> Iterator[Verdict]:
    """What a run for `today` would decide; nothing is written and nothing leaves."""
    judge = judge_for(parts.settings, parts.texts, today)
    for search in searches(parts.settings, today):
        for batch in find(parts.database, search, None):
            yield from map(judge.decide, batch)
