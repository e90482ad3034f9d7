"""What has changed goes to Kiungo: at least once, the oldest first, each row as it is now."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from kiungo.kinds import KINDS, Kind
from kiungo.models import OutboxEntry

#: Entries taken at once; Kiungo takes 10,000 records in one request.
BATCH = 2_000


class Intake(Protocol):
    """Where records go; see `kiungo.client.Kiungo`."""

    def put(self, kind: str, records: list[dict[str, object]]) -> dict[int, str]:
        """Why which of them, by their place, were not taken."""


@dataclass
class Counts:
    """What a pass has done, in rows; `gone`: they were deleted meanwhile."""

    sent: int = 0
    rejected: int = 0
    gone: int = 0

    def add(self, other: Counts) -> None:
        """Add up."""
        self.sent += other.sent
        self.rejected += other.rejected
        self.gone += other.gone


def forward(intake: Intake) -> Counts:
    """Empty the outbox. What was not answered stays there, and is sent again. Raises KiungoAway."""
    total = Counts()
    while True:
        with transaction.atomic():
            waiting = OutboxEntry.objects.select_for_update().filter(rejected="", kind__in=KINDS)
            entries = list(waiting.order_by("id")[:BATCH])
            if not entries:
                return total
            for kind in KINDS.values():
                theirs = [entry for entry in entries if entry.kind == kind.name]
                if theirs:
                    total.add(_send(intake, kind, theirs))


def _send(intake: Intake, kind: Kind, entries: list[OutboxEntry]) -> Counts:
    """Send the rows of one table. Entries that were taken go; others stay with the reason.

    With a row that is taken go the reasons why it was not before.
    """
    by_key: dict[int, list[int]] = defaultdict(list)
    for entry in entries:
        by_key[entry.key].append(entry.id)
    found = list(kind.records(list(by_key)))
    reasons = intake.put(kind.name, [record for _, record in found]) if found else {}
    keys = [key for key, _ in found]
    kept = []
    for index, reason in reasons.items():
        newest = max(by_key[keys[index]])
        OutboxEntry.objects.filter(id=newest).update(rejected=reason)
        kept.append(newest)
    done = [entry.id for entry in entries if entry.id not in kept]
    OutboxEntry.objects.filter(id__in=done).delete()
    reasoned = OutboxEntry.objects.filter(kind=kind.name, key__in=list(by_key)).exclude(rejected="")
    reasoned.exclude(id__in=kept).delete()
    return Counts(len(found) - len(reasons), len(reasons), len(by_key) - len(found))


def note_all(since: datetime | None = None) -> int:
    """Note every row, or those whose record began or ended after `since`; returns how many."""
    total = 0
    for kind in KINDS.values():
        rows = kind.current()
        if since is not None:
            rows = rows.filter(Q(validity_from__gt=since) | Q(validity_to__gt=since))
        keys = rows.order_by("pk").values_list("pk", flat=True)
        batch = []
        for key in keys.iterator(chunk_size=BATCH):
            batch.append(OutboxEntry(kind=kind.name, key=key, noted_at=timezone.now()))
            if len(batch) == BATCH:
                OutboxEntry.objects.bulk_create(batch)
                total, batch = total + len(batch), []
        OutboxEntry.objects.bulk_create(batch)
        total += len(batch)
    return total


def try_rejected_again() -> int:
    """What Kiungo did not take is to be sent again; returns how many."""
    return int(OutboxEntry.objects.exclude(rejected="").update(rejected=""))
