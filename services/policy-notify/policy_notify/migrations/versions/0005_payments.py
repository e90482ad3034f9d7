"""Reports about payments, and the messages that they became

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payment_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("payment", sa.Uuid(), nullable=True),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("policies", sa.JSON(), nullable=False),
        sa.Column("family", sa.Uuid(), nullable=True),
        sa.Column("payer_number", sa.String(length=20), nullable=True),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("delivery", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider", sa.String(length=64), nullable=True),
        sa.Column("recipient", sa.String(length=50), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("variables", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_notices")),
        sa.UniqueConstraint("uuid", name=op.f("uq_payment_notices_uuid")),
    )
    with op.batch_alter_table("payment_notices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_notices_payment"), ["payment"], unique=False)
        batch_op.create_index(batch_op.f("ix_payment_notices_family"), ["family"], unique=False)
        is_open = sa.text("delivery <> 'ended' OR status = 4")
        batch_op.create_index(
            "ix_payment_notices_open", ["id"], sqlite_where=is_open, postgresql_where=is_open
        )
        is_personal = sa.text("facts IS NOT NULL")
        batch_op.create_index(
            "ix_payment_notices_personal",
            ["created_at"],
            sqlite_where=is_personal,
            postgresql_where=is_personal,
        )
    op.execute("INSERT INTO run_lease (id) VALUES (2)")


def downgrade() -> None:
    op.execute("DELETE FROM run_lease WHERE id = 2")
    op.drop_table("payment_notices")
