"""Channels that listen on a port, and channels that are polled

Revision: 0015, after 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channels", sa.Column("listener", sa.JSON(), nullable=True))
    op.add_column("channels", sa.Column("polling", sa.JSON(), nullable=True))
    op.add_column(
        "channels", sa.Column("acts_for", sa.String(255), server_default="", nullable=False)
    )
    op.create_table(
        "listener_states",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(255), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["channels.id"],
            name=op.f("fk_listener_states_channel_id_channels"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_listener_states")),
    )
    op.create_table(
        "polls",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("made_for", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["channels.id"],
            name=op.f("fk_polls_channel_id_channels"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_polls")),
    )
    op.create_index(op.f("ix_polls_next_attempt_at"), "polls", ["next_attempt_at"])


def downgrade() -> None:
    op.drop_table("polls")
    op.drop_table("listener_states")
    op.drop_column("channels", "acts_for")
    op.drop_column("channels", "polling")
    op.drop_column("channels", "listener")
