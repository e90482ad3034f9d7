"""From an event to queued messages: what is on record is read, decided upon, and queued at once."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from common.clock import utc_now
from common.db.database import Database
from sqlalchemy.orm import Session

from notification.catalogue.events import active_event, check_context
from notification.catalogue.lookups import active_actor_types, active_channels, ranks
from notification.catalogue.preferences import Person, preferences_of
from notification.catalogue.rules import active_rules
from notification.catalogue.templates import newest_templates
from notification.emit.cascading import put_in_line
from notification.emit.choose import Chooser, Directory
from notification.emit.enqueue import keep_in_line, merged_skips, queue, rows_of
from notification.emit.event import Emission, Emitted, Suppressed
from notification.emit.merging import merge
from notification.emit.repeating import remember_key
from notification.mails.attachments import Limits
from notification.models import ChannelCode, Event, Rule
from notification.outbox.attachments import keep_files
from notification.outbox.digests import hold_back
from notification.outbox.reach import unreachable
from notification.webhooks.subscriptions import people_with_webhooks


@dataclass(frozen=True)
class Emitter:
    """Queues events' messages; `region` is where numbers without a country code are from."""

    database: Database
    region: str
    #: So many failures for good, and an address is skipped; 0: never.
    skipped_after: int = 0
    #: Which files go with e-mails.
    limits: Limits = field(default_factory=Limits)

    def emit(self, emission: Emission) -> Emitted:
        """Queue an event's messages, all or none. Raises UnknownEvent, Invalid."""
        now = utc_now()
        with self.database.reading() as session:
            chosen = self._choose(session, emission, now)
        if isinstance(chosen, Emitted):
            return chosen
        with self.database.writing() as session:
            return self._queue(session, emission, chosen, now)

    def emit_within(self, session: Session, emission: Emission) -> Emitted:
        """The same in the caller's transaction."""
        now = utc_now()
        chosen = self._choose(session, emission, now)
        if isinstance(chosen, Emitted):
            return chosen
        return self._queue(session, emission, chosen, now)

    def _choose(self, session: Session, emission: Emission, now: datetime) -> Chooser | Emitted:
        self.limits.check(emission.attachments)
        return choose(session, emission, self.region, now, self.skipped_after)

    @staticmethod
    def _queue(session: Session, emission: Emission, chosen: Chooser, now: datetime) -> Emitted:
        is_repeated = remember_key(session, emission, now)
        drafts, merged = merge(chosen.drafts)
        event = chosen.directory.event
        rows = rows_of(emission, event, drafts, now)
        steps = put_in_line(rows, drafts)
        queued = queue(session, rows, drafts, is_repeated=is_repeated)
        keep_in_line(session, steps, queued.new_ids)
        keep_files(session, emission.attachments, rows, set(queued.new_ids), now)
        if event.digest_after is not None:
            hold_back(session, event, _held_from(rows, steps, queued.new_ids), now)
        skipped = [*chosen.skipped, *queued.repeated, *merged_skips(merged, queued.ids)]
        reason = None if queued.new_ids else Suppressed.NO_MESSAGES_BUILT
        return Emitted(emission.event_code, queued.new_ids, skipped, reason, len(merged))


def _held_from(
    rows: Sequence[dict[str, Any]], steps: Sequence[dict[str, Any]], new_ids: Sequence[uuid.UUID]
) -> list[dict[str, Any]]:
    """The rows that a digest may hold back: new ones that are in no cascade."""
    free = set(new_ids) - {one["outbox_id"] for one in steps}
    return [row for row in rows if row["id"] in free]


def choose(
    session: Session, emission: Emission, region: str, now: datetime, skipped_after: int = 0
) -> Chooser | Emitted:
    """Steps 1 to 6; Emitted: there is nothing to queue. Raises UnknownEvent, Invalid (context)."""
    event = active_event(session, emission.event_code)
    check_context(event, emission.context)
    rules = active_rules(session, event.code)
    if not rules:
        return Emitted(event.code, reason=Suppressed.NO_ACTIVE_RULE)
    if not emission.recipients:
        return Emitted(event.code, reason=Suppressed.NO_RECIPIENTS)
    user_ids = [one.user_id for one in emission.recipients]
    directory = load_directory(session, event, user_ids, rules, skipped_after)
    chooser = Chooser(directory, emission.context, max(now, emission.send_at or now), region)
    chooser.skipped += emission.unreadable
    chooser.choose(emission.recipients)
    if chooser.drafts:
        return chooser
    return Emitted(event.code, (), chooser.skipped, Suppressed.NO_MESSAGES_BUILT)


def load_directory(
    session: Session,
    event: Event,
    user_ids: Sequence[str],
    rules: Sequence[Rule],
    skipped_after: int = 0,
) -> Directory:
    """What is on record about an event and people, for these rules of it."""
    return Directory(
        event=event,
        rules=rules,
        templates=newest_templates(session, event.code),
        preferences=preferences_of(session, user_ids),
        channels=active_channels(session),
        actor_types=active_actor_types(session),
        ranks=ranks(session),
        unreachable=unreachable(session, user_ids, skipped_after),
        webhooks=_webhooks(session, rules, user_ids),
    )


def _webhooks(
    session: Session, rules: Sequence[Rule], user_ids: Sequence[str]
) -> Collection[Person] | None:
    """Asked only where a rule tells webhooks."""
    asks = any(one.channel is ChannelCode.WEBHOOK for rule in rules for one in rule.channels)
    return people_with_webhooks(session, user_ids) if asks else None
