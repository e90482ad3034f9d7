"""The log-in by token of older mediators: salt, moment, and SHA-512 over both."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from proxy.access.log_ins import Claim, is_right, new_log_in, salt_of

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECRET = "secret of the account"


def sha512(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()


def claim(log_in: str, moment: str, salt: str = "", secret: str = SECRET) -> Claim:
    """What a mediator makes of the account's salt and secret."""
    salt = salt or salt_of(log_in)
    digest = sha512(salt_of(log_in) + secret)
    return Claim(salt, moment, sha512(digest + salt + moment))


@pytest.mark.parametrize(
    "moment",
    [
        "2026-05-01T12:00:00.000Z",
        "2026-05-01T12:00:09.9Z",
        "2026-05-01T11:59:50Z",
        "2026-05-01T14:00:00+02:00",
        "2026-05-01 12:00:00.123456",
    ],
)
def test_right_token_of_this_moment_is_taken(moment: str) -> None:
    log_in = new_log_in(SECRET)

    assert is_right(log_in, claim(log_in, moment), NOW)
    assert is_right(log_in, claim(log_in, moment, salt="of the caller's own"), NOW)


@pytest.mark.parametrize(
    "moment",
    ["", "now", "2026-05-01T12:00:11Z", "2026-05-01T11:59:49Z", "0001-01-01T00:00:00+14:00"],
)
def test_token_of_another_moment_is_not(moment: str) -> None:
    log_in = new_log_in(SECRET)

    assert not is_right(log_in, claim(log_in, moment), NOW)


def test_wrong_secret_and_another_accounts_token_are_not() -> None:
    log_in = new_log_in(SECRET)
    moment = (NOW + timedelta(seconds=1)).isoformat()

    assert not is_right(log_in, claim(log_in, moment, secret="another"), NOW)
    assert not is_right(new_log_in(SECRET), claim(log_in, moment), NOW)
    assert not is_right(log_in, Claim(salt_of(log_in), moment, "é"), NOW)
    assert SECRET not in log_in
