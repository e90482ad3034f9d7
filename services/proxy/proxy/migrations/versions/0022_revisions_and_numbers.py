"""Records count their changes; numbers by mediator and kind of error; when secrets were last used

Revision: 0022, after 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None

_TABLES = ("clients", "mediators", "channels", "esb_registrations", "staff_users")
_COUNTS = ("calls", "failures", "completed", "completed_with_errors")
_TIMES = ("total_ms", "match_ms", "upstream_ms", "store_ms")


def upgrade() -> None:
    for table in _TABLES:
        counted = sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False)
        op.add_column(table, counted)
    moment = sa.DateTime(timezone=True)
    op.add_column("client_secrets", sa.Column("last_used_at", moment, nullable=True))
    # Copies of what the record says: the worker fills them, hour by hour, from the oldest call on.
    op.create_table(
        "hourly_mediator_rollups",
        sa.Column("hour", moment, nullable=False),
        sa.Column("mediator_url", sa.String(255), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
        *(sa.Column(name, sa.Float(), nullable=False) for name in _TIMES),
        sa.Column("durations", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "hour", "mediator_url", "status", name=op.f("pk_hourly_mediator_rollups")
        ),
    )
    op.create_table(
        "hourly_error_rollups",
        sa.Column("hour", moment, nullable=False),
        sa.Column("channel_name", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("example", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint(
            "hour", "channel_name", "kind", name=op.f("pk_hourly_error_rollups")
        ),
    )
    op.create_index(
        "ix_hourly_error_rollups_kind", "hourly_error_rollups", ["channel_name", "kind", "hour"]
    )


def downgrade() -> None:
    op.drop_table("hourly_error_rollups")
    op.drop_table("hourly_mediator_rollups")
    op.drop_column("client_secrets", "last_used_at")
    for table in _TABLES:
        op.drop_column(table, "revision")
