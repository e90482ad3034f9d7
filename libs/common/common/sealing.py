"""What a copied database must not show is sealed: AES-256-GCM under keys that are files.

The newest key by its file's name seals, all of them open: a new one needs no restart, and once
`reseal` has rewritten what older ones sealed, their files may be removed. What is sealed is bound
to its purpose and its row, so that nothing can be opened in another place. Longer texts are
compressed first: what is sealed cannot be, neither here nor by the database.
"""

import base64
import hashlib
import hmac
import json
import os
import threading
import time
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.settings import SettingError

KEY_BYTES = 32
NONCE_BYTES = 12
_ID_BYTES = 8
#: What every sealed text begins with, then its key's id. 12 bytes together: whole base64 groups.
_MAGIC = b"\x00ks1"
_HEAD_BYTES = len(_MAGIC) + _ID_BYTES
#: A sealed text where a column holds text.
TEXT_MARK = "sealed:"
#: A compressed text begins with a byte that no UTF-8 has; a frame of Zstandard (RFC 8878) follows.
_COMPRESSED = b"\xff"
#: Texts of fewer bytes are not compressed: it would cost more than it saves.
_COMPRESS_FROM_BYTES = 400
#: A folder is read again so often, in seconds; at once for a key that is not known.
_LOOK_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class SealingKey:
    """One key: its id stands in what it sealed."""

    id: bytes
    cipher: AESGCM = field(repr=False)
    secret: bytes = field(repr=False)
    #: What each text that this key sealed begins with.
    head: bytes

    @classmethod
    def of(cls, secret: bytes) -> "SealingKey":
        """The key of 32 bytes."""
        id_ = hashlib.sha256(b"kiungo sealing key id " + secret).digest()[:_ID_BYTES]
        return cls(id_, AESGCM(secret), secret, _MAGIC + id_)

    def seal_text(self, context: bytes, text: bytes) -> str:
        """A text in UTF-8, for a column that holds text: `context` is its purpose and its row."""
        nonce = os.urandom(NONCE_BYTES)
        if len(text) >= _COMPRESS_FROM_BYTES:
            text = _compressed(text)
        return _as_text(self.head + nonce + self.cipher.encrypt(nonce, text, context))


class KeyFolder:
    """The keys of a folder, oldest first: files `*.key`, each with 64 hexadecimal digits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: tuple[str, ...] = ()
        self._keys: tuple[SealingKey, ...] = ()
        self._looked = float("-inf")

    def __call__(self, *, now: bool = False) -> tuple[SealingKey, ...]:
        """The keys; the folder is looked at `now`, or once in a while. Raises SettingError."""
        moment = time.monotonic()
        if now or moment - self._looked > _LOOK_EVERY_S:
            self._looked = moment
            self._look()
        return self._keys

    def settles_in_s(self) -> float:
        """In how many seconds every process has seen the newest key; 0: it has."""
        newest = max((path.stat().st_mtime for path in self._folder.glob("*.key")), default=0.0)
        return min(max(0.0, newest + 2 * _LOOK_EVERY_S - time.time()), 2 * _LOOK_EVERY_S)

    def _look(self) -> None:
        paths = sorted(self._folder.glob("*.key"))
        names = tuple(path.name for path in paths)
        if names != self._names:
            self._keys = tuple(_read_key(path) for path in paths)
            self._names = names


def _read_key(path: Path) -> SealingKey:
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES:
        # Not chained: the parser's own error quotes the key.
        raise SettingError(f"SEAL_KEYS_DIR: {path.name} is not 64 hexadecimal digits") from None
    return SealingKey.of(secret)


def create_key(folder: Path) -> Path:
    """Write a new key into `folder` with mode 0600; it seals from the next few seconds on."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.urandom(3).hex()}.key"
    # Under another name first: whoever looks meanwhile must not find half a key.
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(os.urandom(KEY_BYTES).hex() + "\n")
    unfinished.rename(path)
    return path


def _no_former_keys() -> Sequence[bytes]:
    return ()


class Sealer:
    """Seals and opens; `purpose` and `row` say what is sealed, and must be the same for both.

    `former` gives keys of before there were key files: they open what they sealed, and seal, too,
    as they did, while an installation has no key file.
    """

    def __init__(
        self, keys: KeyFolder, former: Callable[[], Sequence[bytes]] = _no_former_keys
    ) -> None:
        self._keys = keys
        self._former = former

    @property
    def has_keys(self) -> bool:
        """Whether there are key files."""
        return bool(self._keys())

    def newest_key(self) -> SealingKey | None:
        """What seals here and now; None where there are no key files."""
        keys = self._keys()
        return keys[-1] if keys else None

    def seal(self, purpose: bytes, row: bytes, secret: bytes) -> bytes:
        """`secret`, unreadable. Raises SettingError where there is no key at all."""
        nonce = os.urandom(NONCE_BYTES)
        if keys := self._keys():
            key = keys[-1]
            return key.head + nonce + key.cipher.encrypt(nonce, secret, purpose + row)
        if former := self._former():
            return nonce + AESGCM(former[-1]).encrypt(nonce, secret, purpose + row)
        raise SettingError("SEAL_KEYS_DIR holds no key (*.key)")

    def open(self, purpose: bytes, row: bytes, sealed: bytes) -> bytes | None:
        """What was sealed; None when its key is gone, or it was sealed as something else."""
        if sealed.startswith(_MAGIC):
            key = self._key(sealed[len(_MAGIC) : _HEAD_BYTES])
            if key is not None:
                return _opened(key.cipher, sealed, _HEAD_BYTES, purpose + row)
        for secret in reversed(self._former()):
            found = _opened(AESGCM(secret), sealed, 0, purpose + row)
            if found is not None:
                return found
        return None

    def seal_text(self, purpose: bytes, row: bytes, text: str) -> str:
        """The same for a column that holds text."""
        utf8 = text.encode("utf-8", "surrogatepass")
        if (key := self.newest_key()) is not None:
            return key.seal_text(purpose + row, utf8)
        return _as_text(self.seal(purpose, row, _compressed(utf8)))

    def open_text(self, purpose: bytes, row: bytes, stored: str) -> str | None:
        """What such a column holds, in clear or sealed; None when its key is gone."""
        if not stored.startswith(TEXT_MARK):
            return stored
        try:
            sealed = a2b_base64(stored[len(TEXT_MARK) :], strict_mode=True)
        except ValueError:
            return stored
        found = self.open(purpose, row, sealed)
        return None if found is None else _decompressed(found).decode("utf-8", "surrogatepass")

    def seal_json(self, purpose: bytes, row: bytes, document: Any) -> str:
        """The same for a column that holds JSON: a text stands for the document."""
        return self.seal_text(purpose, row, json.dumps(document))

    def open_json(self, purpose: bytes, row: bytes, stored: Any) -> Any:
        """The document of such a column, in clear or sealed; None when its key is gone."""
        if not is_sealed_text(stored):
            return stored
        found = self.open_text(purpose, row, stored)
        return None if found is None or found == stored else json.loads(found)

    def digest(self, purpose: bytes, value: bytes) -> bytes:
        """A keyed digest under the newest key (32 bytes): equal values have equal ones."""
        return self.digests(purpose, value)[-1]

    def digests(self, purpose: bytes, value: bytes) -> list[bytes]:
        """The same under each key, oldest first. Raises SettingError where there is none."""
        secrets = [key.secret for key in self._keys()] or list(self._former())
        if not secrets:
            raise SettingError("SEAL_KEYS_DIR holds no key (*.key)")
        return [_digest(secret, purpose, value) for secret in secrets]

    def newest_head(self) -> bytes:
        """What texts begin with that the newest key sealed. Raises SettingError without one."""
        keys = self._keys(now=True)
        if not keys:
            raise SettingError("SEAL_KEYS_DIR holds no key (*.key)")
        return keys[-1].head

    def newest_text_head(self) -> str:
        """The same in a column that holds text."""
        return TEXT_MARK + base64.b64encode(self.newest_head()).decode("ascii")

    def settles_in_s(self) -> float:
        """In how many seconds every process seals with the newest key."""
        return self._keys.settles_in_s()

    def _key(self, id_: bytes) -> SealingKey | None:
        """The key called so; a process that does not know it looks once more."""
        for key in reversed(self._keys()):  # every opening comes here: no call more than it needs
            if key.id == id_:
                return key
        return next((key for key in self._keys(now=True) if key.id == id_), None)


def is_sealed(stored: str | bytes) -> bool:
    """The same of bytes, too."""
    return stored.startswith(_MAGIC) if isinstance(stored, bytes) else is_sealed_text(stored)


def is_sealed_text(stored: object) -> bool:
    """Whether a column's value looks sealed."""
    return isinstance(stored, str) and stored.startswith(TEXT_MARK)


class _Zstandard(threading.local):
    """Those of a thread: they keep their memory, and are for one thread at a time."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=1).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_zstandard = _Zstandard()


def _as_text(sealed: bytes) -> str:
    return TEXT_MARK + b2a_base64(sealed, newline=False).decode("ascii")


def _compressed(text: bytes) -> bytes:
    """A text in UTF-8, shorter where it is long."""
    if len(text) < _COMPRESS_FROM_BYTES:
        return text
    compressed = _COMPRESSED + _zstandard.compress(text)
    return compressed if len(compressed) < len(text) else text


def _decompressed(text: bytes) -> bytes:
    return _zstandard.decompress(text[1:]) if text.startswith(_COMPRESSED) else text


def _opened(cipher: AESGCM, sealed: bytes, start: int, context: bytes) -> bytes | None:
    """What stands behind `start` bytes: a nonce, and what was sealed with it."""
    end = start + NONCE_BYTES
    try:
        return cipher.decrypt(sealed[start:end], sealed[end:], context)
    except (InvalidTag, ValueError):  # ValueError: shorter than a nonce
        return None


def _digest(secret: bytes, purpose: bytes, value: bytes) -> bytes:
    key = hmac.digest(secret, b"kiungo keyed digest " + purpose, "sha256")
    return hmac.digest(key, value, "sha256")
