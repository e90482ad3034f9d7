"""Records count their changes, so that a save over a newer one is rejected

Revision: 0022, after 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None

_TABLES = ("clients", "mediators", "channels", "esb_registrations", "staff_users")


def upgrade() -> None:
    for table in _TABLES:
        counted = sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False)
        op.add_column(table, counted)


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "revision")
