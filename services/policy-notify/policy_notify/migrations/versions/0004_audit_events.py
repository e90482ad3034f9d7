"""Who did what: audit events, and what rejects changes of them

Revision: 0004, after 0003
"""

from alembic import op
from common.audit.schema import create_audit_tables, drop_audit_tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_audit_tables(op.get_bind())


def downgrade() -> None:
    drop_audit_tables(op.get_bind())
