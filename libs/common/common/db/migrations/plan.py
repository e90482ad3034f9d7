"""What `db upgrade` would do: `flask --app … db plan`, and the upgrade says it before it begins.

Which tables a revision touches is read in its code, how many rows they have is asked of the
database's statistics: both are near enough to choose an hour by, and hold up nobody.
"""

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, inspect, text

#: Rows a second that are rewritten or indexed on a small machine.
ROWS_PER_S = 50_000
_WORD = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Step:
    """A revision that is not in the database yet; `rows` by the tables there that it touches."""

    revision: str
    doc: str
    rows: Mapping[str, int]

    @property
    def seconds(self) -> float:
        """How long it takes where it touches every row; less where it adds an empty column."""
        return sum(self.rows.values()) / ROWS_PER_S

    def __str__(self) -> str:
        if not self.rows:
            return f"{self.revision} {self.doc} (new tables only)"
        sizes = ", ".join(f"{name} about {count:,} rows" for name, count in self.rows.items())
        return f"{self.revision} {self.doc} ({sizes}; {_at_most(self.seconds)})"


def _at_most(seconds: float) -> str:
    if seconds < 1:
        return "under a second"
    if seconds < 120:
        return f"up to about {seconds:.0f} s"
    return f"up to about {seconds / 60:.0f} min"


def steps(
    script: ScriptDirectory,
    heads: Collection[str],
    target: str | tuple[str, ...] | None,
    connection: Connection,
    schema: str,
) -> list[Step]:
    """The revisions from `heads` to `target`, in their order."""
    pending = list(script.iterate_revisions(target or "heads", tuple(heads) or "base"))
    pending.reverse()
    known = set(inspect(connection).get_table_names(_schema(connection, schema)))
    counted: dict[str, int] = {}
    found = []
    for one in pending:
        touched = sorted(known & set(_words_of(one))) if known else []
        for name in touched:
            if name not in counted:
                counted[name] = _rows(connection, schema, name)
        found.append(Step(one.revision, one.doc, {name: counted[name] for name in touched}))
    return found


def words(schema: str, heads: Collection[str], found: list[Step]) -> list[str]:
    """The plan for people, a line each."""
    now = ", ".join(sorted(heads))
    if not found:
        return [f"{schema}: nothing to do, at {now}"]
    target = found[-1].revision
    if not now:
        return [f"{schema}: a new database, to {target}"]
    total = _at_most(sum(one.seconds for one in found))
    revisions = "1 revision" if len(found) == 1 else f"{len(found)} revisions"
    return [
        f"{schema}: {revisions} from {now} to {target}, {total}",
        *(f"{schema}:   {one}" for one in found),
    ]


def _words_of(revision: Script) -> Iterator[str]:
    """The words of a revision's texts, among which are the names of tables."""
    module = ast.parse(Path(revision.path).read_text(encoding="utf-8"))
    documented = ast.get_docstring(module, clean=False)
    for node in ast.walk(module):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and value != documented:
            yield from _WORD.findall(value)


def _schema(connection: Connection, schema: str) -> str | None:
    return None if connection.dialect.name == "sqlite" else schema


def _rows(connection: Connection, schema: str, table: str) -> int:
    """About how many rows a table has: by statistics, and by the highest row id."""
    if connection.dialect.name == "sqlite":
        quoted = connection.dialect.identifier_preparer.quote(table)
        return int(connection.scalar(text(f"SELECT max(rowid) FROM {quoted}")) or 0)  # noqa: S608 - a name of ours
    asked = text(
        "SELECT greatest(reltuples, 0)::bigint FROM pg_class"
        " WHERE relname = :name AND relnamespace = to_regnamespace(:schema)"
    )
    return int(connection.scalar(asked, {"name": table, "schema": f'"{schema}"'}) or 0)
