"""PostgreSQL notes every change of a forwarded table in the outbox, in the change's transaction.

So nothing is lost whoever changes a row: a mutation, `QuerySet.update`, a bulk insert, another
program; and nothing is forwarded that was rolled back. Other databases have no triggers of ours:
there `forward_kiungo --since` and `--whole` find what has changed.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import connections

logger = logging.getLogger(__name__)

_FUNCTION = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {condition} INSERT INTO kiungo_outbox (kind, "key", noted_at, rejected)
    VALUES ('{kind}', NEW."{key}", now(), ''); {end}
  RETURN NULL;
END $$
"""


def statements(name: str, table: str, key: str, has_history: bool) -> list[str]:
    """What notes the changes of one table; made again, it is as before. Pure."""
    function = f"kiungo_note_{name}"
    return [
        _FUNCTION.format(
            function=function,
            kind=name,
            key=key,
            condition='IF NEW."LegacyID" IS NULL THEN' if has_history else "",
            end="END IF;" if has_history else "",
        ),
        f'DROP TRIGGER IF EXISTS {function} ON "{table}"',
        f'CREATE TRIGGER {function} AFTER INSERT OR UPDATE ON "{table}" '
        f"FOR EACH ROW EXECUTE FUNCTION {function}()",
    ]


def install_triggers(using: str = "default", **_kwargs: Any) -> bool:
    """Make the triggers, after every `migrate`; False where the database is not PostgreSQL."""
    from kiungo.kinds import KINDS

    connection = connections[using]
    if connection.vendor != "postgresql":
        logger.warning("kiungo: no triggers on %s; see forward_kiungo --since", connection.vendor)
        return False
    with connection.cursor() as cursor:
        for kind in KINDS.values():
            table = kind.model._meta.db_table
            for statement in statements(kind.name, table, kind.key_column, kind.has_history):
                cursor.execute(statement)
    return True
