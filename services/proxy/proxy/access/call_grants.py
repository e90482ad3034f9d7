"""One-time grants: a member of staff makes one call as a client, without knowing its secret.

A grant stands in for the secret once, for `LIFETIME` at most. The database has only its keyed
digest, and keeps it with the call that was made: that is who made it.
"""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from common.db.database import Database
from sqlalchemy import ColumnElement, select, update

from proxy.access.clients import find_active
from proxy.errors import UnknownRecord
from proxy.models import CallGrant

PREFIX = "grant_"
LIFETIME = timedelta(seconds=60)


class CallGrants:
    """Gives grants and takes each once; `keys` gives the digests' keys, oldest first."""

    def __init__(self, database: Database, keys: Callable[[], Sequence[bytes]]) -> None:
        self._database = database
        self._keys = keys

    def issue(self, client_id: str, staff_name: str, now: datetime) -> str:
        """A grant for one call as `client_id`. Raises UnknownRecord when no client may call so."""
        grant = PREFIX + secrets.token_urlsafe(32)
        digest = _digest(self._keys()[-1], grant)

        with self._database.writing() as session:
            if find_active(session, client_id) is None:
                raise UnknownRecord("active client")
            session.add(
                CallGrant(
                    digest=digest,
                    client_name=client_id,
                    staff_name=staff_name,
                    expires_at=now + LIFETIME,
                )
            )
        return grant

    def redeem(self, client_id: str, grant: str, correlation_id: uuid.UUID, now: datetime) -> bool:
        """Whether `grant` lets this call in as `client_id`; it never does so again."""
        good = _good([_digest(key, grant) for key in self._keys()], client_id, now)
        return self._take(good, correlation_id)

    def _take(self, good: ColumnElement[bool], correlation_id: uuid.UUID) -> bool:
        # Looked for first: a guess must not wait for, or hold, SQLite's one write lock.
        with self._database.reading() as session:
            if session.scalar(select(CallGrant.digest).where(good)) is None:
                return False
        take = update(CallGrant).where(good).values(correlation_id=correlation_id)
        with self._database.writing() as session:
            return session.scalar(take.returning(CallGrant.digest)) is not None


def _good(digests: Sequence[str], client_id: str, now: datetime) -> ColumnElement[bool]:
    return (
        CallGrant.digest.in_(digests)
        & (CallGrant.client_name == client_id)
        & (CallGrant.expires_at > now)
        & CallGrant.correlation_id.is_(None)
    )


def _digest(key: bytes, grant: str) -> str:
    return hmac.digest(key, grant.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()
