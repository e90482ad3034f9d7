"""Access tokens of a benchmark that calls a service within its own process."""

from datetime import UTC, datetime, timedelta

import jwt
from common.web.tokens import ALGORITHM, AUDIENCE, ISSUER
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_KEY = Ed25519PrivateKey.generate()


class Keys:
    """The one key that signs this run's tokens."""

    def find(self, kid: str) -> Ed25519PublicKey | None:
        """The key, by its only name."""
        return _KEY.public_key() if kid == "bench" else None


def bearer(scope: str) -> dict[str, str]:
    """The header of a caller with these scopes."""
    claims = {
        "sub": "bench",
        "scope": scope,
        "aud": AUDIENCE,
        "iss": ISSUER,
        "exp": datetime.now(UTC) + timedelta(hours=1),
    }
    token = jwt.encode(claims, _KEY, ALGORITHM, headers={"kid": "bench"})
    return {"Authorization": f"Bearer {token}"}
