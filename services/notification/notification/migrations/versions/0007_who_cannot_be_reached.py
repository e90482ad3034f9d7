"""Addresses that failed for good

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "address_failure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("actor_type", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_failure")),
        sa.UniqueConstraint(
            "address",
            "user_id",
            "actor_type",
            name=op.f("uq_address_failure_address_user_id_actor_type"),
        ),
    )
    with op.batch_alter_table("address_failure") as batch_op:
        batch_op.create_index("ix_address_failure_user_id", ["user_id"])
        batch_op.create_index(batch_op.f("ix_address_failure_last_at"), ["last_at"])


def downgrade() -> None:
    op.drop_table("address_failure")
