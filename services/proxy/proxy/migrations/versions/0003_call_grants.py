"""One-time grants for calls that staff make as a client

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_grants",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("client_name", sa.String(length=255), nullable=False),
        sa.Column("staff_name", sa.String(length=150), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("correlation_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_call_grants")),
        sa.UniqueConstraint("correlation_id", name=op.f("uq_call_grants_correlation_id")),
    )
    with op.batch_alter_table("call_grants", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_call_grants_expires_at"), ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_table("call_grants")
