"""A pass over openIMIS counts what is known here

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A pass that is on has not counted so far: the next one begins anew.
    op.execute("DELETE FROM sync_progress")
    with op.batch_alter_table("sync_progress", schema=None) as batch_op:
        # The former version, while it still serves, leaves it out.
        batch_op.add_column(sa.Column("known", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("sync_progress", schema=None) as batch_op:
        batch_op.drop_column("known")
