"""Custom tokens: `Authorization: Custom TOKEN` says who calls, without an id beside it.

The database has only a keyed digest of each; the keys are those of the token files, so that a copy
of the database helps nobody to find one.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any

SCHEME = "custom"


class ClientTokens:
    """Makes and knows digests; `keys` gives their keys, oldest first."""

    def __init__(self, keys: Callable[[], Sequence[bytes]]) -> None:
        self._keys = keys

    def digest(self, token: str) -> str:
        """What is stored instead of `token`."""
        return _digest(self._keys()[-1], token)

    def digests(self, token: str) -> list[str]:
        """All that may be stored of it, the newest key's first."""
        return [_digest(key, token) for key in reversed(self._keys())]

    def with_digest(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """`custom_token` becomes `token_digest`; null takes the token away."""
        changed = dict(given)
        if "custom_token" in changed:
            token = changed.pop("custom_token")
            changed["token_digest"] = self.digest(token) if token else None
        return changed


def _digest(key: bytes, token: str) -> str:
    return hmac.digest(key, token.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()
