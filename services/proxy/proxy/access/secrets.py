"""Client secrets and passwords at rest, and a short memory of what was verified.

A generated secret has 256 bits that nobody guesses: an HMAC of it is kept. What a person chose is
kept as a slow hash, which costs tens of milliseconds of CPU; on the hot path a verified secret of
either kind is remembered in the process as a keyed digest for `REMEMBER_S`. Checks of the same
secret at the same moment join, and wrong ones are remembered for a shorter time, so that guessing
does not buy CPU.
"""

import functools
import hashlib
import hmac
import os
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from werkzeug.security import check_password_hash, generate_password_hash

from proxy.access.former_hashes import is_former, matches_former

REMEMBER_S = 60.0
REMEMBER_WRONG_S = 5.0
MAX_REMEMBERED = 10_000
#: As werkzeug spells it; about 50 ms of CPU.
HASH_METHOD = "scrypt:32768:8:1"
#: A secret as long, of as many different characters, is no person's choice.
RANDOM_CHARS = 32
#: What the hash of a generated secret begins with.
GENERATED = "hmac-sha256"
#: Slow hashes that may run at once in a process.
MAX_HASHING = 2


@functools.cache
def _nobody() -> str:
    """Checked when a client is unknown, so that the answer takes as long as for a known one."""
    return hash_secret(secrets.token_urlsafe())


def new_secret() -> str:
    """A secret of 256 bits for a client; shown once, never stored."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """The slow hash (scrypt) that is stored instead of `secret`."""
    return generate_password_hash(secret, HASH_METHOD)


def hash_generated(secret: str) -> str:
    """The HMAC that is stored instead of a secret of `new_secret`, under a salt of its own."""
    salt = secrets.token_hex(16)
    return f"{GENERATED}${salt}${_salted(salt, secret)}"


def hash_taken_over(secret: str) -> str:
    """The hash of a secret that somebody else made: quick where nobody can have chosen it."""
    is_random = len(secret) >= RANDOM_CHARS and len(set(secret)) >= RANDOM_CHARS // 3
    return hash_generated(secret) if is_random else hash_secret(secret)


def _salted(salt: str, secret: str) -> str:
    return hmac.digest(salt.encode(), secret.encode("utf-8", "surrogatepass"), "sha256").hex()


def is_generated(stored: str) -> bool:
    """Whether `stored` is of a generated secret, and quick to compare."""
    return stored.startswith(f"{GENERATED}$")


def is_outdated(stored: str) -> bool:
    """Whether `stored` is a slow hash of another kind than ours: one that was taken over."""
    return not is_generated(stored) and not stored.startswith("scrypt:")


def matches_generated(secret: str, hashes: Sequence[str]) -> bool:
    """Whether `secret` belongs to one of the quick ones of `hashes`."""
    return _generated_of(secret, hashes) is not None


def _generated_of(secret: str, hashes: Sequence[str]) -> str | None:
    """Which of the quick ones of `hashes` it belongs to; takes as long whichever it is."""
    found = None
    for stored in filter(is_generated, hashes):
        _, salt, digest = stored.split("$")
        if hmac.compare_digest(_salted(salt, secret), digest):
            found = stored
    return found


def matches_hash(secret: str, hashes: Sequence[str]) -> bool:
    """Whether `secret` belongs to one of `hashes`; takes as long when there are none."""
    if matches_generated(secret, hashes):
        return True
    slow = [stored for stored in hashes if not is_generated(stored)]
    if hashes and not slow:
        return False
    return _matches_slow(secret, slow)


def _matches_slow(secret: str, hashes: Sequence[str]) -> bool:
    found = False
    for stored in hashes or (_nobody(),):
        if is_former(stored):
            found |= matches_former(stored, secret)
        else:
            found |= check_password_hash(stored, secret)
    return found and bool(hashes)


def _that_fits(secret: str, hashes: Sequence[str]) -> str:
    """Which of the hashes it belongs to that belongs to one of them."""
    fits = (stored for stored in hashes[1:] if matches_hash(secret, [stored]))
    return next(fits, hashes[0])


#: Whether a secret is a client's: its id, its hashes, and a keyed digest of the secret.
Question = tuple[str, tuple[str, ...], bytes]


@dataclass
class SecretChecker:
    """Checks secrets against their hashes, remembering outcomes for a short time.

    For threads; an event loop asks `known`, and a thread where that is None. The memory's key holds
    the hashes themselves, so that a rotated secret or a changed client is a new question.
    """

    clock: Callable[[], float] = time.monotonic
    _key: bytes = field(default_factory=lambda: os.urandom(32), repr=False)
    _known: dict[Question, tuple[bool, float]] = field(default_factory=dict, repr=False)
    _flights: dict[Question, threading.Event] = field(default_factory=dict, repr=False)
    #: The hashes of secrets that were right lately; of outcomes that are remembered, which it was.
    _used: set[str] = field(default_factory=set, repr=False)
    _fitting: dict[Question, str] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _hashing: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MAX_HASHING), repr=False
    )

    def known(self, client_id: str, secret: str, hashes: Sequence[str]) -> bool | None:
        """Whether `secret` is right, where that is quick to say; None when it must be checked."""
        question = self._question(client_id, secret, hashes)
        known = self._recall(question)
        if known is not None:
            return known
        if fitting := _generated_of(secret, hashes):
            self._note(question, fitting)
            self._remember(question, True)
            return True
        return False if hashes and all(map(is_generated, hashes)) else None

    def take_used(self) -> set[str]:
        """The hashes of the secrets that were right since this was asked last."""
        used, self._used = self._used, set()
        return used

    def check(self, client_id: str, secret: str, hashes: Sequence[str]) -> bool:
        """Whether `secret` is one of the client's live secrets."""
        quick = self.known(client_id, secret, hashes)
        if quick is not None:
            return quick
        question = self._question(client_id, secret, hashes)
        while True:
            known = self._recall(question)
            if known is not None:
                return known
            with self._lock:
                flight = self._flights.get(question)
                if flight is None:
                    # Somebody's flight may have ended since: what it found is remembered by now.
                    known = self._recall(question)
                    if known is not None:
                        return known
                    mine = self._flights[question] = threading.Event()
            if flight is None:
                return self._verify(question, secret, hashes, mine)
            flight.wait()

    def _recall(self, question: Question) -> bool | None:
        known = self._known.get(question)
        if known is None or known[1] <= self.clock():
            return None
        if known[0] and question in self._fitting:
            self._used.add(self._fitting[question])
        return known[0]

    def _verify(
        self, question: Question, secret: str, hashes: Sequence[str], flight: threading.Event
    ) -> bool:
        try:
            with self._hashing:
                right = matches_hash(secret, hashes)
            if right:
                self._note(question, _that_fits(secret, hashes))
            self._remember(question, right)
            return right
        finally:
            with self._lock:
                del self._flights[question]
            flight.set()

    def _note(self, question: Question, fitting: str) -> None:
        """Which of a client's secrets it was, for when it is asked for by memory."""
        if len(self._fitting) >= MAX_REMEMBERED:
            self._fitting.clear()
        self._fitting[question] = fitting
        self._used.add(fitting)

    def _remember(self, question: Question, right: bool) -> None:
        now = self.clock()
        if len(self._known) >= MAX_REMEMBERED:
            self._known = {key: value for key, value in self._known.items() if value[1] > now}
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
        self._known[question] = (right, now + (REMEMBER_S if right else REMEMBER_WRONG_S))

    def _question(self, client_id: str, secret: str, hashes: Sequence[str]) -> Question:
        digest = hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), key=self._key).digest()
        return client_id, tuple(hashes), digest
