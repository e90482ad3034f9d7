"""The rows of a batch change within a session's transaction.

On PostgreSQL by one statement in which they are one JSON text; on SQLite, where that is no gain, by
one for each.
"""

import json
from functools import cache
from typing import Any

from sqlalchemy import Text, bindparam, update
from sqlalchemy.orm import Session

from common.db.database import is_sqlite
from common.db.rows.postgres import rows_statement
from common.db.rows.statements import Change, Row

_GIVEN = bindparam("rows", type_=Text)


def change_rows(session: Session, change: Change, rows: list[Row]) -> None:
    """Each of `rows`, at least one, sets `change.names` where the key is what it holds."""
    if is_sqlite(session.get_bind().engine):
        session.execute(_for_each(change), rows)
    else:
        session.execute(_for_all(change), {"rows": json.dumps(rows, default=str)})


@cache
def _for_all(change: Change) -> Any:
    return rows_statement(change, _GIVEN)


@cache
def _for_each(change: Change) -> Any:
    keys = change.keys().items()
    return update(change.table).where(*(column == bindparam(name) for name, column in keys))
