"""When a message changed last; rules for everyone say so

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True))
    # Until now an empty policy meant everyone without saying it.
    op.execute("UPDATE event_rule SET recipient_policy = 'ALL' WHERE recipient_policy = ''")


def downgrade() -> None:
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_column("updated_at")
