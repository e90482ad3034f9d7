"""Eligibility, decided by a table: no clock, no database."""

from datetime import date, timedelta

import pytest
from policy_notify.models import IndicationStatus, NotificationType
from policy_notify.runs.eligibility import (
    ALREADY_SENT,
    DENIED,
    NOT_ENABLED,
    OBSOLETE,
    ONLY_START,
    Facts,
    Rules,
    rejection,
)

TODAY = date(2026, 5, 10)
ALL = Rules(enabled=frozenset(NotificationType))
NO_START = Rules(enabled=frozenset(NotificationType) - {NotificationType.STARTING})
NONE = Rules(enabled=frozenset())
T = NotificationType
S = IndicationStatus


def facts(
    type_: T = T.EXPIRATION,
    *,
    approved: bool = True,
    already_sent: bool = False,
    age: int = 0,
    effective: int | None = 100,
) -> Facts:
    """`age`: days since it happened; `effective`: days since the effective date."""
    effective_date = None if effective is None else TODAY - timedelta(days=effective)
    return Facts(type_, approved, already_sent, TODAY - timedelta(days=age), effective_date)


@pytest.mark.parametrize(
    ("given", "rules", "expected"),
    [
        (facts(), ALL, None),
        (facts(age=1000), ALL, None),
        # The order of the specification: the family's will comes first.
        (facts(approved=False, already_sent=True), NONE, (S.NO_PERMISSION, DENIED)),
        (facts(already_sent=True), NONE, (S.NOT_VALID, ALREADY_SENT)),
        (facts(), NONE, (S.NOT_VALID, NOT_ENABLED)),
        (facts(T.ACTIVATION, effective=0, age=9), ALL, (S.NOT_VALID, ONLY_START)),
        (facts(T.ACTIVATION, effective=0), NO_START, None),
        (facts(T.ACTIVATION, effective=1, age=1), ALL, (S.NOT_VALID, ONLY_START)),
        (facts(T.ACTIVATION, effective=3, age=3), ALL, (S.NOT_VALID, ONLY_START)),
        (facts(T.ACTIVATION, effective=4, age=4), ALL, None),
        (facts(T.ACTIVATION, effective=1, age=2), ALL, None),
        (facts(T.ACTIVATION, effective=-1), ALL, None),
        (facts(T.ACTIVATION, effective=None), ALL, None),
        (facts(T.RENEWAL, effective=0), ALL, None),
        (facts(T.ACTIVATION, age=5), ALL, None),
        (facts(T.ACTIVATION, age=6), ALL, (S.OBSOLETE, OBSOLETE)),
        (facts(T.RENEWAL, age=5), ALL, None),
        (facts(T.RENEWAL, age=6), ALL, (S.OBSOLETE, OBSOLETE)),
    ],
)
def test_first_reason_in_the_order_of_the_specification_decides(
    given: Facts, rules: Rules, expected: tuple[S, str] | None
) -> None:
    found = rejection(given, rules, TODAY)
    assert (found and (found.status, found.reason)) == expected


def test_relevance_is_counted_for_each_type_by_its_own_setting() -> None:
    rules = Rules(ALL.enabled, activation_relevance_days=1, renewal_relevance_days=9)
    assert rejection(facts(T.ACTIVATION, age=2), rules, TODAY)
    assert rejection(facts(T.RENEWAL, age=9), rules, TODAY) is None
