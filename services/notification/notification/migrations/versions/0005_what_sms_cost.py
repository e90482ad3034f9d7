"""What SMS cost, and events' budgets

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event_catalog", sa.Column("sms_budget", sa.Integer(), nullable=True))
    op.create_table(
        "sms_cost",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("event_code", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("segments", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month", "event_code", "provider", name=op.f("pk_sms_cost")),
    )


def downgrade() -> None:
    op.drop_table("sms_cost")
    with op.batch_alter_table("event_catalog") as batch_op:
        batch_op.drop_column("sms_budget")
