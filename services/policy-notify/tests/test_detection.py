"""What a scheme can decide about renewals, found in both databases; defaults are openIMIS's."""

from datetime import date, timedelta
from typing import Any

import pytest
from policy_notify.models import NotificationType

T = NotificationType


@pytest.mark.parametrize(
    ("renewal", "settings", "reminded"),
    [
        ({"status": "idle"}, {}, False),
        ({"status": "idle"}, {"idle_renewal_counts": False}, True),
        ({"status": "ready"}, {"idle_renewal_counts": False}, False),
        ({"status": "active"}, {"idle_renewal_counts": False}, False),
        ({"gap": 400}, {}, False),
        ({"gap": 31}, {"renewal_gap_days": 30}, True),
        ({"gap": 30}, {"renewal_gap_days": 30}, False),
        ({"gap": 1}, {"renewal_gap_days": 0}, True),
        ({"gap": 0}, {"renewal_gap_days": 0}, False),
    ],
)
def test_scheme_decides_what_counts_as_renewal(
    scheme: Any, runs: Any, provider: Any, today: date, renewal: Any, settings: Any, reminded: bool
) -> None:
    family = scheme.family()
    scheme.due(family, T.EXPIRATION)
    start = today + timedelta(days=1 + renewal.get("gap", 0))
    status = renewal.get("status", "active")
    late = {"effective_date": start, "expiry_date": start + timedelta(days=365)}
    scheme.policy(family, start_date=start, status=status, **late)

    runs.on(today, provider, **settings)

    assert [one.type for one in provider.taken] == [T.EXPIRATION] * reminded


@pytest.mark.parametrize(("reminds", "notified"), [(True, 1), (False, 0)])
def test_scheme_decides_whether_suspended_policies_are_told_to_renew(
    scheme: Any, runs: Any, provider: Any, today: date, reminds: bool, notified: int
) -> None:
    scheme.due(scheme.family(), T.EXPIRATION, status="suspended")

    runs.on(today, provider, reminds_suspended=reminds)

    assert len(provider.taken) == notified


@pytest.mark.parametrize("status", ["idle", "ready"])
def test_policy_that_was_never_in_force_does_not_expire(
    scheme: Any, runs: Any, provider: Any, today: date, status: str
) -> None:
    scheme.due(scheme.family(), T.EXPIRATION, status=status)

    assert runs.on(today, provider)["found"] == 0
