"""What is sealed and looked up by equality: AES-SIV (RFC 5297), equal texts are sealed alike.

Who copies the database sees which rows have the same text, and nothing else. The key is a file
`*.siv` beside those of `common.sealing`. It stays when they are replaced: rows that were written
before must be found, and unique values must meet.
"""

import os
import time
from binascii import a2b_base64, b2a_base64
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from common.settings import SettingError

KEY_BYTES, IV_BYTES = 64, 16
#: A sealed text where a column holds text.
MARK = "sealed-siv:"
_LOOK_EVERY_S = 2.0
#: How many texts of a purpose a process knows sealed: one act asks for them, then writes them.
_KEPT = 4096


@dataclass
class SearchableSealer:
    """Seals and opens with the key of a folder; the first by its file's name, if there are more."""

    folder: Path
    _cipher: AESSIV | None = field(default=None, repr=False)
    _looked: float = field(default=float("-inf"), repr=False)
    _seals: dict[bytes, Callable[[str], str]] = field(default_factory=dict, repr=False)
    #: Texts by purpose with what they are sealed: an act that reads them asks for them next.
    _known: dict[bytes, dict[str, str]] = field(
        default_factory=partial(defaultdict, dict), repr=False
    )

    def cipher(self) -> AESSIV | None:
        """None: there is no key yet. Raises SettingError."""
        if self._cipher is not None:
            return self._cipher
        moment = time.monotonic()
        if moment - self._looked > _LOOK_EVERY_S:
            self._looked = moment
            path = min(self.folder.glob("*.siv"), default=None)
            self._cipher = _read(path) if path else None
        return self._cipher

    def seal(self, purpose: bytes, text: str) -> str:
        """The text, unreadable; equal ones of a purpose are equal. Raises SettingError: no key."""
        return self.sealing(purpose)(text)

    def sealing(self, purpose: bytes) -> Callable[[str], str]:
        """What seals texts of a purpose; an empty one stays. Raises SettingError: no key."""
        found = self._seals.get(purpose)
        if found is None:
            cipher = self.cipher()
            if cipher is None:
                raise SettingError("SEAL_KEYS_DIR holds no key to search with (*.siv)")
            found = self._seals[purpose] = _sealing(cipher, purpose, self._known[purpose])
        return found

    def digest(self, purpose: bytes, text: str) -> bytes | None:
        """16 bytes, the same for equal texts, that nobody makes without the key; None: no key.

        They are the synthetic IV, which is a pseudorandom function of both (RFC 5297, section 6).
        """
        cipher = self.cipher()
        if cipher is None:
            return None
        return cipher.encrypt(text.encode("utf-8", "surrogatepass"), [purpose])[:IV_BYTES]

    def open(self, purpose: bytes, stored: str) -> str | None:
        """What a column holds, in clear or sealed; None when its key is gone."""
        if not stored.startswith(MARK):
            return stored
        cipher = self.cipher()
        if cipher is None:
            return None
        try:
            found = cipher.decrypt(a2b_base64(stored[len(MARK) :], strict_mode=True), [purpose])
        except (InvalidTag, ValueError):
            return None
        text = found.decode("utf-8", "surrogatepass")
        _keep(self._known[purpose], text, stored)
        return text


def _sealing(cipher: AESSIV, purpose: bytes, known: dict[str, str]) -> Callable[[str], str]:
    encrypt, about = cipher.encrypt, [purpose]

    def sealed(text: str) -> str:
        if not text:  # nor None, of a column that may be empty
            return text
        found = known.get(text)
        if found is None:
            bytes_ = encrypt(text.encode("utf-8", "surrogatepass"), about)
            found = MARK + b2a_base64(bytes_, newline=False).decode("ascii")
            _keep(known, text, found)
        return found

    return sealed


def _keep(known: dict[str, str], text: str, sealed: str) -> None:
    """Remember one, if need be instead of all others; any number of threads at once."""
    if len(known) >= _KEPT:
        known.clear()
    known[text] = sealed


def create_search_key(folder: Path) -> Path | None:
    """Write the key with mode 0600, unless there is one; None: there is."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(folder.glob("*.siv")):
        return None
    path, unfinished = folder / "search.siv", folder / f"search-{os.urandom(3).hex()}.new"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(os.urandom(KEY_BYTES).hex() + "\n")
    try:
        os.link(unfinished, path)  # whole, and never over another process's
    except FileExistsError:
        return None
    finally:
        unfinished.unlink()
    return path


def _read(path: Path) -> AESSIV:
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES:
        # Not chained: the parser's own error quotes the key.
        raise SettingError(f"SEAL_KEYS_DIR: {path.name} is not 128 hexadecimal digits") from None
    return AESSIV(secret)
