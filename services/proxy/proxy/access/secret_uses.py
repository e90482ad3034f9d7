"""When secrets were used last: who rotates one sees whether the former is still in use."""

import asyncio
from datetime import timedelta

from common.clock import utc_now
from common.db.database import Database
from common.db.reader import Reader
from common.logs import get_logger
from sqlalchemy import or_, update
from sqlalchemy.exc import SQLAlchemyError

from proxy.access.secrets import SecretChecker
from proxy.models import ClientSecret

log = get_logger(__name__)

WRITE_EVERY_S = 5.0
#: Times are true to within this: a busy secret is not written with each call.
EXACT_TO = timedelta(minutes=1)


def write_uses(database: Database, secrets: SecretChecker) -> None:
    """Write down which secrets were right since this was done last."""
    used = secrets.take_used()
    if not used:
        return
    now = utc_now()
    last = ClientSecret.last_used_at
    with database.writing() as session:
        session.execute(
            update(ClientSecret)
            .where(ClientSecret.secret_hash.in_(used), or_(last.is_(None), last < now - EXACT_TO))
            .values(last_used_at=now)
            .execution_options(synchronize_session=False)
        )


async def keep_writing_uses(database: Database, secrets: SecretChecker, reader: Reader) -> None:
    """The same every few seconds, until cancelled."""
    while True:
        await asyncio.sleep(WRITE_EVERY_S)
        try:
            await reader.run(lambda: write_uses(database, secrets))
        except (SQLAlchemyError, TimeoutError) as exc:
            log.warning("secret_uses_not_written", reason=type(exc).__name__)
