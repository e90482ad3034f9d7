"""What the hours of a day add up to, the hours of which a call has changed since; jobs' troubles

Empty at first: the worker sums up the hours that are there within a minute of its start, and until
then the hours themselves are read.

Revision: 0026, after 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_TIMES = ("match_ms", "upstream_ms", "store_ms")


def upgrade() -> None:
    _daily("daily_rollups", {"channel_name": 255}, *_counted(sa.text("0")))
    _daily("daily_client_rollups", {"channel_name": 255, "client_name": 255}, *_staged())
    _daily("daily_mediator_rollups", {"mediator_url": 255, "status": 32}, *_staged())
    _daily(
        "daily_error_rollups",
        {"channel_name": 255, "kind": 200},
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("example", sa.Uuid(), nullable=False),
        sa.Column("first_hour", _MOMENT, nullable=False),
        sa.Column("last_hour", _MOMENT, nullable=False),
    )
    op.create_table(
        "changed_hours",
        sa.Column("hour", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_changed_hours")),
    )
    trouble = sa.Column("trouble", sa.Text(), server_default=sa.text("''"), nullable=False)
    op.add_column("watch_jobs", trouble)


def _daily(table: str, names: dict[str, int], *columns: "sa.Column[object]") -> None:
    op.create_table(
        table,
        sa.Column("day", _MOMENT, nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        *(sa.Column(name, sa.String(length), nullable=False) for name, length in names.items()),
        *columns,
        sa.PrimaryKeyConstraint("day", *names, name=op.f(f"pk_{table}")),
    )


def _counted(default: sa.TextClause | None = None) -> list["sa.Column[object]"]:
    return [
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("completed", sa.BigInteger(), server_default=default, nullable=False),
        sa.Column("completed_with_errors", sa.BigInteger(), server_default=default, nullable=False),
        sa.Column("total_ms", sa.Float(), nullable=False),
        sa.Column("durations", sa.LargeBinary(), nullable=False),
    ]


def _staged() -> list["sa.Column[object]"]:
    return [*_counted(), *(sa.Column(name, sa.Float(), nullable=False) for name in _TIMES)]


def downgrade() -> None:
    op.drop_column("watch_jobs", "trouble")
    op.drop_table("changed_hours")
    for table in ("error", "mediator", "client"):
        op.drop_table(f"daily_{table}_rollups")
    op.drop_table("daily_rollups")
