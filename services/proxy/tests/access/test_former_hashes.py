"""Secrets of other systems work on, and their hashes are replaced at the first use."""

import hashlib

import pytest
from proxy.access.former_hashes import (
    AFTER,
    BEFORE,
    bcrypt_hash,
    is_former,
    matches_former,
    sha512_hash,
)
from proxy.access.secrets import is_generated, matches_hash

SECRET = "chosen long ago é"


def of(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("kind", "digest"), [(AFTER, of(f"{SECRET}salt")), (BEFORE, of(f"salt{SECRET}"))]
)
def test_sha512_with_the_salt_on_either_side(kind: str, digest: str) -> None:
    stored = sha512_hash(kind, "salt", digest.upper())

    assert stored is not None
    assert is_former(stored)
    assert matches_former(stored, SECRET)
    assert not matches_former(stored, "another")
    assert matches_hash(SECRET, [stored])


@pytest.mark.parametrize(
    ("salt", "digest"),
    [("a$b", "0" * 128), ("x" * 97, "0" * 128), ("s", "0" * 127), ("s", "g" * 128), ("s", "")],
)
def test_what_is_no_hash_is_not_taken_over(salt: str, digest: str) -> None:
    assert sha512_hash(AFTER, salt, digest) is None


def test_bcrypt_as_javascript_wrote_it() -> None:
    bcrypt = pytest.importorskip("bcrypt")
    stored = bcrypt_hash(bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4, b"2a")).decode())

    assert stored is not None
    assert matches_hash(SECRET, [stored])
    assert not matches_hash("another", [stored])
    assert not matches_hash("nul \x00", [stored])
    long = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4, b"2b")).decode()
    assert matches_hash("x" * 90, [long])


@pytest.mark.parametrize("text", ["$2a$10$short", "$1$x$y", "", "$2a$1x$" + "a" * 53])
def test_what_is_not_bcrypts_is_not_taken_over(text: str) -> None:
    assert bcrypt_hash(text) is None


@pytest.mark.parametrize("stored", ["scrypt:1:1:1$a$b", "hmac-sha256$a$b", "pbkdf2:sha256:1$a$b"])
def test_our_own_are_no_former_ones(stored: str) -> None:
    assert not is_former(stored)
    assert is_generated(stored) is stored.startswith("hmac")
