"""Who did what: audit events, what rejects changes of them, and channels that ask for a reason

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op
from common.audit.schema import create_audit_tables, drop_audit_tables

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_audit_tables(op.get_bind())
    column = sa.Column("ask_reason", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("channels", column)


def downgrade() -> None:
    with op.batch_alter_table("channels") as table:
        table.drop_column("ask_reason")
    drop_audit_tables(op.get_bind())
