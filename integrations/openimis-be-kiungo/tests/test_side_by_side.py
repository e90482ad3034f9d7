"""Sixty days of 200 families: openIMIS's own module and ours, over the same database.

Both send to a provider that takes everything. The same people get the same kinds of message on the
same days, but for the differences that policy notification's README names; every one is counted.
"""

import random
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from policy_notify.app import create_app
from policy_notify.config import Settings
from policy_notify.container import Container
from policy_notify.intake.reading import reading_of
from policy_notify.models import Base, NotificationType, RunLease, SyncState
from policy_notify.openimis.connection import open_source
from policy_notify.openimis.sync import Counts, Sync
from policy_notify.runs.lease import Lease
from policy_notify.runs.lifecycle import begin_by_hand
from policy_notify.runs.running import carry_out
from sqlalchemy import insert

T = NotificationType
FAMILIES, DAYS = 200, 60
FIRST = date(2026, 5, 1)
#: The texts' names in openIMIS, and what they are about.
TYPES = {
    "on_activation": T.ACTIVATION,
    "on_effective": T.STARTING,
    "before_expiry": T.BEFORE_EXPIRY,
    "on_expiration": T.EXPIRATION,
    "after_expiry": T.AFTER_EXPIRY,
    "on_renewal": T.RENEWAL,
}
IDLE, ACTIVE = 1, 2
#: The README's differences.
BOTH_ENDS = "openIMIS records the reminder before expiry as the message of the day itself"
NEVER_BEGAN = "the policy was never in force"
CAUGHT_UP = "the days before the first run are caught up"
CONFIG = {
    "eligible_notification_types": {one.value: True for one in T},
    "trigger_time_interval_hours": 4,
    "trigger_first_call_hour": 8,
    "trigger_last_call_hour": 20,
    "reminder_before_expiry_days": 5,
    "reminder_after_expiry_days": 5,
    "policy_activation_relevance_maximum_days_timedelta": 5,
    "policy_renewal_relevance_maximum_days_timedelta": 5,
}


@dataclass
class World:
    """What happens on which day; made from one seed, so it is the same in every run."""

    product: int
    officer: int
    village: int
    changes: dict[date, list[dict[str, Any]]] = field(default_factory=dict)
    #: Each policy's life, for judging differences.
    activated: dict[str, date] = field(default_factory=dict)
    expires: dict[str, date] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    chance: random.Random = field(default_factory=lambda: random.Random(16))

    def on(self, day: date, **change: Any) -> None:
        self.changes.setdefault(max(day, FIRST), []).append(change)

    def family(self, at: int) -> None:
        """A family with a policy in its life, renewed or not."""
        chance, name = self.chance, f"F{at:03}"
        head = chance.choice(["0754000111", "0754000111", "0754000111", "0754000111", None])
        member = chance.choice(["0712345678", None])
        approval = chance.choice([True, True, True, True, False, None])
        since = f"{FIRST - timedelta(days=100)}T09:00:00"
        self.on(
            FIRST,
            what="family",
            name=name,
            phones=[head, member],
            approval=approval,
            since=since,
            village=self.village,
        )
        start = FIRST + timedelta(days=chance.randint(-40, 50))
        expiry = start + timedelta(days=chance.randint(15, 60))
        self._policy(name, "N", start - timedelta(days=chance.randint(0, 6)), start, expiry)
        if chance.random() < 0.4:
            made = expiry - timedelta(days=chance.randint(0, 8))
            following = expiry + timedelta(days=1)
            self._policy(name, "R", made, following, following + timedelta(days=90))

    def _policy(self, family: str, stage: str, made: date, start: date, expiry: date) -> None:
        chance, key = self.chance, str(uuid.UUID(int=self.chance.getrandbits(128)))
        self.expires[key] = expiry
        paid = start + timedelta(days=chance.randint(-2, 3))
        paid = max(paid, made)
        is_paid = chance.random() < 0.85
        before = is_paid and paid < FIRST
        values = {
            "stage": stage,
            "status": ACTIVE if before else IDLE,
            "enroll_date": str(made),
            "start_date": str(start),
            "effective_date": str(max(start, paid)) if before else None,
            "expiry_date": str(expiry),
        }
        given = {"uuid": key, "family": family, "product": self.product, "officer": self.officer}
        since = f"{paid if before else made}T10:00:00"
        self.on(made, what="policy", since=since, **given, **values)
        if is_paid:
            self.activated[key] = paid
        if is_paid and not before:
            changed = {"status": ACTIVE, "effective_date": str(max(start, paid))}
            self.on(paid, what="change", uuid=key, **changed)
        if is_paid and chance.random() < 0.05:
            self.suspended.add(key)
            self.on(paid + timedelta(days=5), what="change", uuid=key, status=4)


class WithoutIndications(Sync):
    """What openIMIS has sent is left out: here both decide for themselves."""

    def _counts(self) -> list[Counts]:
        counted = super()._counts()
        return [replace(one, is_absent=one.kind == "indications") for one in counted]


@dataclass
class Seen:
    """What both sent: the same, or other by a reason that the README names."""

    world: World
    same: set[tuple[str, T]] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)
    unnamed: list[Any] = field(default_factory=list)

    def add(self, day: date, theirs: set[tuple[str, T]], ours: set[tuple[str, T]]) -> None:
        self.same |= theirs & ours
        for policy, type_ in theirs ^ ours:
            is_ours = (policy, type_) in ours
            why = self._why(day, policy, type_) if is_ours else self._why_not(day, policy, ours)
            if why is None:
                self.unnamed.append((str(day), policy, type_.value, is_ours))
            else:
                self.reasons[why] += 1

    def _why(self, day: date, policy: str, type_: T) -> str | None:
        if type_ is T.EXPIRATION and (policy, T.BEFORE_EXPIRY) in self.same:
            return BOTH_ENDS
        # The first day is that of a cut-over: what the days before it owe is caught up.
        return CAUGHT_UP if day == FIRST else None

    def _why_not(self, day: date, policy: str, ours: set[tuple[str, T]]) -> str | None:
        if self.world.activated.get(policy, date.max) > day:
            return NEVER_BEGAN
        return CAUGHT_UP if day == FIRST and (policy, T.STARTING) in ours else None


@dataclass
class Recorder:
    """A provider that takes everything."""

    name: str = "Recorder"
    is_repeatable: bool = False
    taken: list[Any] = field(default_factory=list)

    def send(self, message: Any) -> None:
        self.taken.append(message)


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Container]:
    """A policy notification of this test's own, with all types enabled."""
    settings = Settings(var_dir=tmp_path, log_level="ERROR", eligible_types=frozenset(T))
    app = create_app(settings, keys=None)
    found: Container = app.extensions["policy-notify"]
    Base.metadata.create_all(found.database.engine)
    with found.database.writing() as session:
        for lease in (RunLease, SyncState):
            session.execute(insert(lease).values(id=1))
    yield found
    found.database.engine.dispose()


def run(container: Container, source: Any, day: date) -> set[tuple[str, T]]:
    """Read openIMIS, and send what is due on `day`: the policies with their types."""
    reader = WithoutIndications(source, container.database, reading_of(container.settings))
    counted = reader.run()
    assert counted is not None
    assert not any(one.rejected for one in counted)
    provider = Recorder()
    lease = Lease(timedelta(minutes=1))
    asked = begin_by_hand(container.database, lease, day, "test")
    assert carry_out(replace(container, providers=(provider,)), asked, lease, lambda: False)
    return {(str(one.policy), one.type) for one in provider.taken}


def test_the_same_people_get_the_same_messages_on_the_same_days(
    notifying: Any, ours: Container
) -> None:
    ids = notifying.ids
    world = World(ids["product"], ids["officer"], ids["village"])
    for at in range(FAMILIES):
        world.family(at)
    notifying.ask("prepare_notifying", CONFIG)
    source = open_source(notifying.url)
    seen = Seen(world)
    for back in range(DAYS):
        day = FIRST + timedelta(days=back)
        changes = world.changes.get(day, [])
        sent = notifying.ask("notifying_day", f"{day}T06:00:00", changes)
        theirs = {(policy, TYPES[text]) for policy, text in sent}
        seen.add(day, theirs, run(ours, source, day))

    print(f"the same: {len(seen.same)}; other: {dict(seen.reasons)}")
    assert seen.unnamed == []
    assert len(seen.same) > 150
    assert {type_ for _, type_ in seen.same} == set(T)
    assert set(seen.reasons) == {BOTH_ENDS, NEVER_BEGAN, CAUGHT_UP}

    counted = Sync(source, ours.database, reading_of(ours.settings)).run()
    assert counted is not None
    (indications,) = (one for one in counted if one.kind == "indications")
    assert indications.read > 150
    assert not indications.rejected
