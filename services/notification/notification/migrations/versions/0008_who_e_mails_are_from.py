"""Who an event's e-mails say they are from, and where answers go

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("event_catalog", "outbox"):
        op.add_column(table, sa.Column("sender_name", sa.String(length=128), nullable=True))
        op.add_column(table, sa.Column("reply_to", sa.String(length=254), nullable=True))


def downgrade() -> None:
    for table in ("event_catalog", "outbox"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("reply_to")
            batch_op.drop_column("sender_name")
