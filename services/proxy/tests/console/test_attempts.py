"""How often somebody may try to sign in, counted for all processes at once."""

import contextlib
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.errors import TooManyRequests
from proxy.access import secrets
from proxy.access.login_attempts import Attempt, begin, growing_wait, wait_for
from proxy.container import Container
from proxy.models import EndedSession, LoginAttempt
from proxy.retention import keep_bounded
from sqlalchemy import func, select

ADDRESS = "198.51.100.7"
NOW = datetime(2026, 11, 22, 15, 29, tzinfo=UTC)


def may_try(container: Container, name: str, address: str = ADDRESS, now: datetime = NOW) -> bool:
    with contextlib.suppress(TooManyRequests), container.database.writing() as session:
        begin(session, Attempt.of(name, address), now)
        return True
    return False


def test_unknown_name_costs_a_hash_like_a_wrong_password(
    browser: Any, member: dict[str, Any], container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    check = secrets.matches_hash
    monkeypatch.setattr(secrets, "matches_hash", lambda *given: hashed.append("x") or check(*given))

    browser.sign_in("wrong one")
    browser.sign_in("wrong one", username="nobody")

    assert len(hashed) == 2


def test_failures_of_a_name_make_it_wait_longer_and_longer_without_a_hash(
    browser: Any, member: dict[str, Any], container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [browser.sign_in(f"wrong {n}").status_code for n in range(5)] == [403] * 5
    monkeypatch.setattr(secrets, "matches_hash", None)

    for number, name in enumerate(("amina", "AMINA")):
        browser.address = f"198.51.100.{number}"
        refused = browser.sign_in(username=name)
        assert refused.status_code == 429
        assert 20 < int(refused.headers["Retry-After"]) <= 30
        assert "Try again in a minute." in refused.text
    assert not may_try(container, "amina", "203.0.113.5", datetime.now(UTC))
    assert may_try(container, "nobody", "203.0.113.5", datetime.now(UTC))


@pytest.mark.parametrize(
    ("failures", "wait_s"), [(0, 0), (4, 0), (5, 30), (6, 60), (8, 240), (13, 900)]
)
def test_each_failure_doubles_the_wait(failures: int, wait_s: int) -> None:
    assert growing_wait([NOW] * failures, NOW) == wait_s
    assert growing_wait([NOW] * failures, NOW + timedelta(seconds=wait_s)) == 0


def test_guesses_of_others_do_not_count_where_one_usually_signs_in(
    browser: Any, member: dict[str, Any]
) -> None:
    assert browser.sign_in().status_code == 303
    browser.session, home = "", browser.address
    for number in range(40):
        browser.address = f"203.0.113.{number}"
        browser.sign_in(f"guess {number}")
    browser.address = "203.0.113.200"
    assert browser.sign_in().status_code == 429
    browser.address = home
    assert [browser.sign_in(f"wrong {number}").status_code for number in range(20)] == [403] * 20
    assert browser.sign_in().status_code == 303


def test_success_clears_the_failures(browser: Any, member: dict[str, Any]) -> None:
    for _ in range(2):
        statuses = [browser.sign_in(f"wrong {number}").status_code for number in range(4)]
        assert statuses == [403] * 4
        assert browser.sign_in().status_code == 303
        browser.session = ""


def test_address_is_limited_whatever_the_names(container: Container) -> None:
    network = [may_try(container, uuid.uuid4().hex, f"2001:db8::{number}") for number in range(102)]

    assert network == [True] * 100 + [False] * 2
    assert may_try(container, "amina", "2001:db8:0:1::1")
    assert may_try(container, "amina", "2001:db8::1", NOW + timedelta(minutes=15))


def test_attempts_at_the_same_moment_count_one_by_one(container: Container) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _number: may_try(container, "amina"), range(24))) == 5


@pytest.mark.parametrize(
    ("minutes_ago", "wait_s"), [(None, 0), (0, 900), (14, 60), (14.999, 1), (15, 0)]
)
def test_wait_ends_when_the_failure_leaves_the_window(
    minutes_ago: float | None, wait_s: int
) -> None:
    failure = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)

    assert wait_for(failure, NOW) == wait_s


def test_retention_forgets_what_no_longer_counts(container: Container) -> None:
    now = datetime.now(UTC)
    for age in (timedelta(minutes=1), timedelta(minutes=16)):
        may_try(container, "amina", now=now - age)
    with container.database.writing() as session:
        for age in (timedelta(hours=11), timedelta(hours=13)):
            session.add(EndedSession(id=uuid.uuid4(), ended_at=now - age))

    removed = keep_bounded(container.database, container.settings)

    assert (removed["login_attempts"], removed["ended_sessions"]) == (1, 1)
    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(LoginAttempt)) == 1
