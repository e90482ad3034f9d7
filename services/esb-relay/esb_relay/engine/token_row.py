"""The row that all processes share: its token while it is good, else a lease to fetch the next."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.clock import utc_now
from common.db.database import Database
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from esb_relay.engine.grants import Grant
from esb_relay.engine.token_seal import TokenSeal
from esb_relay.models import EsbToken


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; `version` says which one, so that a stale one is renewed once."""

    version: int
    text: str = field(repr=False)
    good_until: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to fetch the next token."""

    token: uuid.UUID


class TokenRow:
    """One account's row."""

    def __init__(self, database: Database, account: str, seal: TokenSeal, lease: timedelta) -> None:
        self._database = database
        self._account = account
        self._seal = seal
        self._lease = lease

    def look(self, stale_version: int) -> Token | Lease | None:
        """A good token newer than `stale_version`, a lease, or None: somebody is fetching."""
        now = utc_now()
        with self._database.writing() as session:
            row = session.get(EsbToken, self._account, with_for_update=True)
            if row is None:
                row = EsbToken(account=self._account, version=0)
                session.add(row)
            token = self._token(row, stale_version, now)
            if token is not None:
                return token
            if row.lease_until is not None and row.lease_until > now:
                return None
            row.lease_token, row.lease_until = uuid.uuid4(), now + self._lease
            return Lease(row.lease_token)

    def store(self, lease: Lease, grant: Grant) -> Token:
        """Share what was granted; a lease that ran out meanwhile keeps it to its holder."""
        now = utc_now()
        good_until = grant.good_until(now)
        with self._database.writing() as session:
            version = session.scalar(
                update(EsbToken)
                .where(EsbToken.account == self._account, EsbToken.lease_token == lease.token)
                .values(
                    version=EsbToken.version + 1,
                    sealed=self._seal.seal(grant.access_token),
                    good_until=good_until,
                    lease_token=None,
                    lease_until=None,
                )
                .returning(EsbToken.version)
            )
        if version is None:
            return Token(0, grant.access_token, now)
        return Token(version, grant.access_token, good_until)

    def release(self, lease: Lease) -> None:
        """Let another one try."""
        with self._database.writing() as session:
            session.execute(
                update(EsbToken)
                .where(EsbToken.account == self._account, EsbToken.lease_token == lease.token)
                .values(lease_token=None, lease_until=None)
            )

    def _token(self, row: EsbToken, stale_version: int, now: datetime) -> Token | None:
        if row.version <= stale_version or row.sealed is None or row.good_until is None:
            return None
        text = self._seal.open(row.sealed) if row.good_until > now else None
        return None if text is None else Token(row.version, text, row.good_until)


def look_again(row: TokenRow, stale_version: int) -> Token | Lease | None:
    """The same, where two processes may both make the row: the later one looks once more."""
    try:
        return row.look(stale_version)
    except IntegrityError:
        return row.look(stale_version)
