"""How often somebody may try to sign in, counted for all processes at once."""

import contextlib
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.errors import TooManyRequests
from proxy.console.login_attempts import Attempt, begin, wait_for
from proxy.models import EndedSession, LoginAttempt
from proxy.parts import Parts
from proxy.retention import keep_bounded
from sqlalchemy import func, select

ADDRESS = "198.51.100.7"
NOW = datetime(2026, 11, 22, 15, 29, tzinfo=UTC)


def may_try(parts: Parts, name: str, address: str = ADDRESS, now: datetime = NOW) -> bool:
    with contextlib.suppress(TooManyRequests), parts.database.writing() as session:
        begin(session, Attempt.of(name, address), now)
        return True
    return False


def test_unknown_name_costs_a_hash_like_a_wrong_password(
    browser: Any, member: dict[str, Any], parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    check = parts.secrets.offload
    monkeypatch.setattr(parts.secrets, "offload", lambda work: hashed.append("x") or check(work))

    browser.sign_in("wrong one")
    browser.sign_in("wrong one", username="nobody")

    assert len(hashed) == 2


def test_sixth_failure_is_told_to_wait_without_a_hash(
    browser: Any, member: dict[str, Any], parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [browser.sign_in(f"wrong {n}").status_code for n in range(5)] == [403] * 5
    monkeypatch.setattr(parts.secrets, "offload", None)

    for name in ("amina", "AMINA"):
        refused = browser.sign_in(username=name)
        assert refused.status_code == 429
        assert 14 * 60 < int(refused.headers["Retry-After"]) <= 15 * 60
        assert "Try again in 15 minutes." in refused.text


def test_limit_holds_for_one_name_at_one_address(browser: Any, member: dict[str, Any]) -> None:
    for number in range(5):
        browser.sign_in(f"wrong {number}")

    assert browser.sign_in(username="nobody").status_code == 403
    browser.address = "198.51.100.8"
    assert browser.sign_in().status_code == 303


def test_success_clears_the_failures(browser: Any, member: dict[str, Any]) -> None:
    for _ in range(2):
        statuses = [browser.sign_in(f"wrong {number}").status_code for number in range(4)]
        assert statuses == [403] * 4
        assert browser.sign_in().status_code == 303
        browser.session = ""


def test_address_is_limited_whatever_the_names(parts: Parts) -> None:
    network = [may_try(parts, uuid.uuid4().hex, f"2001:db8::{number}") for number in range(22)]

    assert network == [True] * 20 + [False] * 2
    assert may_try(parts, "amina", "2001:db8:0:1::1")
    assert may_try(parts, "amina", "2001:db8::1", NOW + timedelta(minutes=15))


def test_attempts_at_the_same_moment_count_one_by_one(parts: Parts) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _number: may_try(parts, "amina"), range(24))) == 5


@pytest.mark.parametrize(
    ("minutes_ago", "wait_s"), [(None, 0), (0, 900), (14, 60), (14.999, 1), (15, 0)]
)
def test_wait_ends_when_the_failure_leaves_the_window(
    minutes_ago: float | None, wait_s: int
) -> None:
    failure = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)

    assert wait_for(failure, NOW) == wait_s


def test_retention_forgets_what_no_longer_counts(parts: Parts) -> None:
    now = datetime.now(UTC)
    for age in (timedelta(minutes=1), timedelta(minutes=16)):
        may_try(parts, "amina", now=now - age)
    with parts.database.writing() as session:
        for age in (timedelta(hours=11), timedelta(hours=13)):
            session.add(EndedSession(id=uuid.uuid4(), ended_at=now - age))

    removed = keep_bounded(parts.database, parts.settings)

    assert (removed["login_attempts"], removed["ended_sessions"]) == (1, 1)
    with parts.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(LoginAttempt)) == 1
