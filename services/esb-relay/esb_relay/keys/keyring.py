"""The keys of this installation, read when a call first needs them and then kept."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from esb_relay.config import Settings
from esb_relay.errors import KeyProblem, KeysApart, MissingSetting, NoSuchKey, UnknownRecord
from esb_relay.keys.files import load_private_key, load_public_keys
from esb_relay.keys.pairs import Curve, PrivateKey, PublicKey

T = TypeVar("T")

#: What a key is for; the first two also name a key, whatever its kid is.
OWN, ESB, RECIPIENT = "own", "esb", "recipient"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A public key and its role: `own`, `esb` or `recipient`."""

    role: str
    key: PublicKey

    @property
    def kid(self) -> str:
        """The key's name."""
        return self.key.kid

    @property
    def curve(self) -> Curve:
        """The key's curve."""
        return self.key.curve

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its SPKI DER, in hex."""
        return self.key.fingerprint


class Keyring:
    """Our pair, GovESB's public keys (several while they rotate) and other recipients' keys."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kept: dict[str, object] = {}
        self._reading = threading.Lock()

    def private_key(self) -> PrivateKey:
        """The key we sign and decrypt with. Raises MissingSetting, KeyProblem."""
        source = self._settings.private_key
        return self._keep("CLIENT_PRIVATE_KEY", source, self._load_own_pair)

    def own_public_key(self) -> PublicKey:
        """What others verify us with: given, or the private key's other half."""
        if self._settings.private_key is None and self._settings.public_key is not None:
            return self._keep("CLIENT_PUBLIC_KEY", self._settings.public_key, _only_one)
        return self.private_key().public

    def esb_keys(self) -> tuple[PublicKey, ...]:
        """What GovESB signs with. Raises MissingSetting, KeyProblem."""
        source = self._settings.esb_public_keys
        return self._keep("GOV_ESB_PUBLIC_KEY", source, load_public_keys)

    def recipient_keys(self) -> tuple[PublicKey, ...]:
        """Others that bodies can be encrypted for; none is no error."""
        source = self._settings.recipient_public_keys
        if source is None:
            return ()
        return self._keep("ESB_RECIPIENT_PUBLIC_KEYS", source, load_public_keys)

    def troubles(self) -> list[str]:
        """Why settings with keys cannot be used, each by its name: a file that is not there …"""
        given = (
            (self._settings.private_key, self.private_key),
            (self._settings.public_key, self.own_public_key),
            (self._settings.esb_public_keys, self.esb_keys),
            (self._settings.recipient_public_keys, self.recipient_keys),
        )
        found: dict[str, None] = {}
        for source, load in given:
            try:
                if source is not None:
                    load()
            except KeyProblem as exc:
                found[str(exc)] = None
        return list(found)

    def named(self, name: str, *, field: str) -> PublicKey:
        """The public key called `name`: a kid, `own` or `esb`. Raises NoSuchKey, KeyProblem."""
        if name == OWN:
            return self.own_public_key()
        if name == ESB:
            return self.esb_keys()[0]
        for known in self.known():
            if known.kid == name:
                return known.key
        raise NoSuchKey(field, name)

    def known(self) -> list[KnownKey]:
        """Every public key that is configured. Raises KeyProblem."""
        settings = self._settings
        found: list[KnownKey] = []
        if settings.private_key is not None or settings.public_key is not None:
            found.append(KnownKey(OWN, self.own_public_key()))
        if settings.esb_public_keys is not None:
            found += [KnownKey(ESB, key) for key in self.esb_keys()]
        return found + [KnownKey(RECIPIENT, key) for key in self.recipient_keys()]

    def of_kid(self, kid: str) -> PublicKey:
        """The configured key of this kid. Raises UnknownRecord, KeyProblem."""
        for known in self.known():
            if known.kid == kid:
                return known.key
        raise UnknownRecord("key")

    def _load_own_pair(self, source: str) -> PrivateKey:
        key = load_private_key(source)
        if self._settings.public_key is not None:
            public = self._keep("CLIENT_PUBLIC_KEY", self._settings.public_key, _only_one)
            if public.kid != key.kid:
                raise KeysApart(f"its public key is {key.kid}, CLIENT_PUBLIC_KEY is {public.kid}")
        return key

    def _keep(self, variable: str, source: str | None, load: Callable[[str], T]) -> T:
        """What `load` makes of a setting, once; its trouble names the setting."""
        if source is None:
            raise MissingSetting(variable)
        kept = self._kept.get(variable)
        if kept is None:
            try:
                kept = load(source)
            except KeyProblem as exc:
                raise type(exc)(f"{variable}: {exc}") from exc
            with self._reading:
                self._kept[variable] = kept
        return kept  # type: ignore[return-value]


def _only_one(source: str) -> PublicKey:
    keys = load_public_keys(source)
    if len(keys) > 1:
        raise KeyProblem("several public keys where one belongs")
    return keys[0]
