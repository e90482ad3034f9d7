"""Keys from settings, which hold the key itself or the name of its file, and files for new keys."""

import os
import re
from pathlib import Path

from esb_relay.errors import KeyFileExposed, UnreadableKey
from esb_relay.keys.encodings import is_key_text
from esb_relay.keys.pairs import (
    Encoding,
    PrivateKey,
    PublicKey,
    parse_private_key,
    parse_public_keys,
)

_OTHERS_MAY_READ = 0o077


def load_private_key(source: str) -> PrivateKey:
    """The private key in a setting's value, or in the file it names.

    Raises UnreadableKey, UnsupportedCurve, KeyFileExposed.
    """
    if is_key_text(source):
        return parse_private_key(source)
    return parse_private_key(_read_file(source.strip(), secret=True))


def load_public_keys(source: str) -> tuple[PublicKey, ...]:
    """The public keys in a setting's value: texts or files, separated by `,` or `;`, no doubles.

    A PEM text or file may hold several blocks. Raises UnreadableKey, UnsupportedCurve.
    """
    found: dict[str, PublicKey] = {}
    for entry in filter(None, map(str.strip, re.split("[,;]", source))):
        keys = parse_public_keys(entry if is_key_text(entry) else _read_file(entry, secret=False))
        found.update((key.kid, key) for key in keys)
    if not found:
        raise UnreadableKey("no public key given")
    return tuple(found.values())


def write_private_key(key: PrivateKey, path: Path) -> None:
    """Write the key to a new file of mode 0600. Raises FileExistsError rather than replace one."""
    _write_new_file(path, key.pem())


def write_public_key(key: PublicKey, path: Path) -> None:
    """Write the key as PEM to a new file, which lies among private ones: mode 0600 as well."""
    _write_new_file(path, key.encoded(Encoding.PEM))


def _write_new_file(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _read_file(path: str, *, secret: bool) -> bytes:
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            if secret and mode & _OTHERS_MAY_READ:
                raise KeyFileExposed(f"{path} has mode {mode:04o}; a private key needs 0600")
            return file.read()
    except (OSError, ValueError) as exc:
        # A value that is neither may be a damaged key: only an obvious path is repeated.
        named = f" {path}" if path.startswith(("/", "./", "../")) else ""
        raise UnreadableKey(f"neither a key in a known encoding nor a readable file{named}") from (
            exc if named else None
        )
