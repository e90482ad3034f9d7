"""From an event to queued messages: what is on record is read, decided upon, and queued at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.clock import utc_now
from common.database import Database
from sqlalchemy.orm import Session

from notification.catalogue import active_event, check_context
from notification.choosing import Chooser, Directory
from notification.emission import Emission, Emitted, Suppressed
from notification.lookups import active_actor_types, active_channels, ranks
from notification.models import Rule
from notification.preferences import wishes_of
from notification.queueing import queue, rows_of
from notification.rules import active_rules
from notification.templates import newest_templates


@dataclass(frozen=True)
class Emitter:
    """Queues events' messages; `region` is where numbers without a country code are from."""

    database: Database
    region: str

    def emit(self, emission: Emission) -> Emitted:
        """Queue an event's messages, all or none. Raises UnknownEvent, Invalid (context)."""
        now = utc_now()
        with self.database.reading() as session:
            chosen = choose(session, emission, now)
        if isinstance(chosen, Emitted):
            return chosen
        with self.database.writing() as session:
            return self._queue(session, emission, chosen, now)

    def emit_within(self, session: Session, emission: Emission) -> Emitted:
        """The same in the caller's transaction."""
        now = utc_now()
        chosen = choose(session, emission, now)
        if isinstance(chosen, Emitted):
            return chosen
        return self._queue(session, emission, chosen, now)

    def _queue(
        self, session: Session, emission: Emission, chosen: Chooser, now: datetime
    ) -> Emitted:
        rows = rows_of(emission, chosen.drafts, self.region, now)
        ids, repeated = queue(session, rows, chosen.drafts)
        reason = None if ids else Suppressed.NO_MESSAGES_BUILT
        return Emitted(ids, [*chosen.skipped, *repeated], reason)


def choose(session: Session, emission: Emission, now: datetime) -> Chooser | Emitted:
    """Steps 1 to 6; Emitted: there is nothing to queue. Raises UnknownEvent, Invalid (context)."""
    event = active_event(session, emission.event_code)
    check_context(event, emission.context)
    rules = active_rules(session, event.code)
    if not rules:
        return Emitted(reason=Suppressed.NO_ACTIVE_RULE)
    if not emission.recipients:
        return Emitted(reason=Suppressed.NO_RECIPIENTS)
    user_ids = [one.user_id for one in emission.recipients]
    directory = load_directory(session, event.code, user_ids, rules)
    chooser = Chooser(directory, emission.context, max(now, emission.send_at or now))
    chooser.choose(emission.recipients)
    if chooser.drafts:
        return chooser
    return Emitted((), chooser.skipped, Suppressed.NO_MESSAGES_BUILT)


def load_directory(
    session: Session, event_code: str, user_ids: Iterable[str], rules: Sequence[Rule]
) -> Directory:
    """What is on record about an event and people, for these rules of it."""
    return Directory(
        rules=rules,
        templates=newest_templates(session, event_code),
        wishes=wishes_of(session, user_ids),
        channels=active_channels(session),
        actor_types=active_actor_types(session),
        ranks=ranks(session),
    )
