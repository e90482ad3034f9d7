"""Secrets are slow to guess and quick to repeat: hashes, the memory, joined checks."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest
from proxy.access import secrets
from proxy.access.secrets import (
    REMEMBER_S,
    SecretChecker,
    hash_generated,
    hash_secret,
    matches_hash,
    new_secret,
)

SECRET = "a secret of the client"
HASH = hash_secret(SECRET)


class Hashing:
    """Stands before the slow check: counts, can hold it up."""

    def __init__(self) -> None:
        self.count = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.begun = threading.Event()

    def __call__(self, secret: str, hashes: Sequence[str]) -> bool:
        self.count += 1
        self.begun.set()
        self.may_go_on.wait(10)
        return matches_hash(secret, hashes)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Hashing:
    made = Hashing()
    monkeypatch.setattr(secrets, "matches_hash", made)
    return made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def checker(hashing: Hashing, clock: Clock) -> SecretChecker:
    return SecretChecker(clock=clock)


def test_new_secrets_differ_and_are_long() -> None:
    assert new_secret() != new_secret()
    assert len(new_secret()) >= 43


def test_the_stored_hash_is_slow_and_salted() -> None:
    assert HASH.startswith("scrypt:")
    assert hash_secret(SECRET) != HASH


@pytest.mark.parametrize(
    ("given", "hashes", "right"),
    [
        (SECRET, [HASH], True),
        (SECRET, [hash_secret("another"), HASH], True),
        ("wrong", [HASH], False),
        (SECRET, [], False),
    ],
)
def test_a_secret_matches_any_live_hash(given: str, hashes: list[str], right: bool) -> None:
    assert matches_hash(given, hashes) is right


def test_a_right_secret_is_hashed_once_a_minute(
    checker: SecretChecker, hashing: Hashing, clock: Clock
) -> None:
    for clock.now in (0, 1, secrets.REMEMBER_S - 1):
        assert checker.check("c", SECRET, [HASH])
    assert hashing.count == 1
    clock.now = secrets.REMEMBER_S
    assert checker.check("c", SECRET, [HASH])
    assert hashing.count == 2


def test_a_wrong_secret_is_remembered_for_a_shorter_time(
    checker: SecretChecker, hashing: Hashing, clock: Clock
) -> None:
    for clock.now in (0, secrets.REMEMBER_WRONG_S - 1, secrets.REMEMBER_WRONG_S):
        assert not checker.check("c", "wrong", [HASH])
    assert hashing.count == 2


def test_a_rotated_secret_is_a_new_question(checker: SecretChecker) -> None:
    assert checker.check("c", SECRET, [HASH])
    assert not checker.check("c", SECRET, [hash_secret("rotated")])


def test_parts_of_a_question_cannot_be_shifted(checker: SecretChecker, hashing: Hashing) -> None:
    assert not checker.check("c\x00wrong", "", [HASH])
    assert not checker.check("c", "wrong\x00", [HASH])
    assert hashing.count == 2


def test_checks_of_the_same_secret_at_once_join(checker: SecretChecker, hashing: Hashing) -> None:
    hashing.may_go_on.clear()
    found: list[bool] = []
    threads = [
        threading.Thread(target=lambda: found.append(checker.check("c", SECRET, [HASH])))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    assert hashing.begun.wait(10)
    hashing.may_go_on.set()
    for thread in threads:
        thread.join(20)
    assert found == [True] * 8
    assert hashing.count == 1


def test_a_check_that_breaks_off_lets_the_next_one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "matches_hash", _break_once())
    broken = SecretChecker()
    with pytest.raises(OSError, match="no thread"):
        broken.check("c", SECRET, [HASH])
    assert broken.check("c", SECRET, [HASH])


def _break_once() -> Callable[[str, Sequence[str]], bool]:
    answers = iter([False, True])

    def check(secret: str, hashes: Sequence[str]) -> bool:
        if not next(answers):
            raise OSError("no thread")
        return matches_hash(secret, hashes)

    return check


def test_what_is_remembered_is_known_without_a_check(
    checker: SecretChecker, hashing: Hashing, clock: Clock
) -> None:
    assert checker.known("c", SECRET, [HASH]) is None
    checker.check("c", SECRET, [HASH])
    checker.check("c", "wrong", [HASH])
    assert checker.known("c", SECRET, [HASH]) is True
    assert checker.known("c", "wrong", [HASH]) is False
    assert checker.known("c", SECRET, [hash_secret("rotated")]) is None
    clock.now = secrets.REMEMBER_WRONG_S
    assert checker.known("c", "wrong", [HASH]) is None
    assert checker.known("c", SECRET, [HASH]) is True
    assert hashing.count == 2


def test_only_so_many_hashes_run_at_once(checker: SecretChecker, hashing: Hashing) -> None:
    hashing.may_go_on.clear()
    threads = [
        threading.Thread(target=checker.check, args=(f"c{number}", SECRET, [HASH]))
        for number in range(secrets.MAX_HASHING + 3)
    ]
    for thread in threads:
        thread.start()
    assert hashing.begun.wait(10)
    time.sleep(0.1)
    assert hashing.count == secrets.MAX_HASHING
    hashing.may_go_on.set()
    for thread in threads:
        thread.join(20)
    assert hashing.count == secrets.MAX_HASHING + 3


def test_the_memory_is_bounded(
    checker: SecretChecker, monkeypatch: pytest.MonkeyPatch, hashing: Hashing
) -> None:
    monkeypatch.setattr(secrets, "MAX_REMEMBERED", 2)
    monkeypatch.setattr(secrets, "matches_hash", lambda _secret, _hashes: True)
    for number in range(5):
        checker.check(f"c{number}", SECRET, [HASH])
    assert len(checker._known) <= 2


def test_a_repr_holds_nothing_of_what_is_known(checker: SecretChecker) -> None:
    checker.check("c", SECRET, [HASH])
    assert SECRET not in repr(checker)
    assert "_key" not in repr(checker)


def test_it_is_known_which_secret_was_used() -> None:
    quick, slow = new_secret(), "chosen by somebody"
    hashes = [hash_secret("another"), hash_secret(slow), hash_generated(quick)]
    checker = SecretChecker()

    assert not checker.check("clinic", "wrong", hashes)
    assert checker.take_used() == set()
    assert checker.check("clinic", quick, hashes)
    assert checker.take_used() == {hashes[2]}
    for _ in range(2):  # hashed, and from memory
        assert checker.check("clinic", slow, hashes)
        assert checker.take_used() == {hashes[1]}


def test_generated_secret_is_remembered_for_as_long_as_it_is_the_clients(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    secret = new_secret()
    hashes = (hash_generated(secret), hash_generated(new_secret()))
    checker = SecretChecker(clock=clock)
    asked: list[str] = []

    def salted(salt: str, text: str) -> str:
        asked.append(text)
        return actual(salt, text)

    actual = secrets._salted
    monkeypatch.setattr(secrets, "_salted", salted)

    assert [checker.known("clinic", secret, hashes) for _ in range(3)] == [True] * 3
    assert asked == [secret] * 2  # once, against both hashes
    assert checker.take_used() == {hashes[0]}

    assert checker.known("clinic", secret, hashes[1:]) is False  # it was taken away
    assert checker.known("clinic", secret + "x", hashes) is False
    clock.now += REMEMBER_S
    asked.clear()
    assert checker.known("clinic", secret, hashes)
    assert asked == [secret] * 2
