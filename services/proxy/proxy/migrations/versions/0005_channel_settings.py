"""Channel settings for long and asynchronous calls, and whole answers

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channels", sa.Column("total_timeout_s", sa.Float(), nullable=True))
    op.add_column(
        "channels",
        sa.Column("async_passthrough", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column(
        "channels",
        sa.Column("response_retention_days", sa.Integer(), server_default="1", nullable=False),
    )
    op.create_table(
        "stored_responses",
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["correlation_id"],
            ["transactions.correlation_id"],
            name=op.f("fk_stored_responses_correlation_id_transactions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("correlation_id", name=op.f("pk_stored_responses")),
    )
    op.create_index(op.f("ix_stored_responses_expires_at"), "stored_responses", ["expires_at"])


def downgrade() -> None:
    op.drop_table("stored_responses")
    op.drop_column("channels", "response_retention_days")
    op.drop_column("channels", "async_passthrough")
    op.drop_column("channels", "total_timeout_s")
