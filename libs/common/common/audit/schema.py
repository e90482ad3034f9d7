"""What the migrations of every service create: the three tables, and what rejects changes of them.

Databases have been through this as it is; a change of the tables is another function.
"""

import sqlalchemy as sa
from sqlalchemy import Connection

_EVENTS, _CHECKPOINTS = "audit_events", "audit_checkpoints"
_REJECTED = "audit rows are added and never changed"
#: Retention: a checkpoint first says up to where events go.
_IS_KEPT = f"OLD.id > coalesce((SELECT max(last_id) FROM {_CHECKPOINTS}), 0)"  # noqa: S608


def create_audit_tables(connection: Connection) -> None:
    """Create the tables in the connection's schema, empty."""
    metadata = sa.MetaData()
    _event_table(metadata)
    sa.Table(
        "audit_head",
        metadata,
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.Column("last_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    sa.Table(
        _CHECKPOINTS,
        metadata,
        sa.Column("last_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("last_hash", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("last_id", name="pk_audit_checkpoints"),
    )
    metadata.create_all(connection, checkfirst=False)
    reject_changes(connection)


def drop_audit_tables(connection: Connection) -> None:
    """Remove the tables with all that is in them."""
    for name in (_EVENTS, "audit_head", _CHECKPOINTS):
        connection.execute(sa.text(f"DROP TABLE {name}"))
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("DROP FUNCTION audit_reject(), audit_reject_kept()"))


def reject_changes(connection: Connection) -> None:
    """Let the database itself reject changes and removals of events and checkpoints."""
    statements = _on_postgres() if connection.dialect.name == "postgresql" else _on_sqlite()
    for statement in statements:
        connection.execute(sa.text(statement))


def _event_table(metadata: sa.MetaData) -> None:
    sa.Table(
        _EVENTS,
        metadata,
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("act", sa.String(100), nullable=False),
        sa.Column("object_kind", sa.String(64), nullable=False),
        sa.Column("object_id", sa.String(255), nullable=False),
        sa.Column("object_name", sa.String(255), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("correlation_id", sa.String(64), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
        sa.Index("ix_audit_events_at", "at"),
        sa.Index("ix_audit_events_actor", "actor"),
        sa.Index("ix_audit_events_act", "act"),
        sa.Index("ix_audit_events_object_id", "object_id"),
    )


def _on_postgres() -> list[str]:
    """A trigger's condition may not ask a table, so that retention has a function of its own."""
    function = "CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$"
    trigger = "CREATE TRIGGER {0}_no_{1} BEFORE {1} ON {0} FOR EACH {2} EXECUTE FUNCTION {3}()"
    reject = f"RAISE EXCEPTION '{_REJECTED}';"
    every = [
        (table, what, "STATEMENT" if what == "TRUNCATE" else "ROW", "audit_reject")
        for table in (_EVENTS, _CHECKPOINTS)
        for what in ("UPDATE", "DELETE", "TRUNCATE")
        if (table, what) != (_EVENTS, "DELETE")
    ]
    return [
        function.format("audit_reject", reject),
        function.format("audit_reject_kept", f"IF {_IS_KEPT} THEN {reject} END IF; RETURN OLD;"),
        *(trigger.format(*one) for one in every),
        trigger.format(_EVENTS, "DELETE", "ROW", "audit_reject_kept"),
    ]


def _on_sqlite() -> list[str]:
    body = f"BEGIN SELECT RAISE(ABORT, '{_REJECTED}'); END"
    return [
        f"CREATE TRIGGER {_EVENTS}_no_update BEFORE UPDATE ON {_EVENTS} {body}",
        f"CREATE TRIGGER {_EVENTS}_no_delete BEFORE DELETE ON {_EVENTS} WHEN {_IS_KEPT} {body}",
        f"CREATE TRIGGER {_CHECKPOINTS}_no_update BEFORE UPDATE ON {_CHECKPOINTS} {body}",
        f"CREATE TRIGGER {_CHECKPOINTS}_no_delete BEFORE DELETE ON {_CHECKPOINTS} {body}",
    ]
