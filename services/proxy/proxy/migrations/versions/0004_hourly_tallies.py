"""Hourly tallies: what statistics need not count again

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hourly_tallies",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel_name", sa.String(length=255), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("total_ms", sa.Float(), nullable=False),
        sa.Column("durations", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "channel_name", name=op.f("pk_hourly_tallies")),
    )


def downgrade() -> None:
    op.drop_table("hourly_tallies")
