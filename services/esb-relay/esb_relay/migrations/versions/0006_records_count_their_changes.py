"""Records count their changes, so that a save over a newer one is rejected

Revision: 0006, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = ("callback_routes",)


def upgrade() -> None:
    for table in _TABLES:
        counted = sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False)
        op.add_column(table, counted)


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "revision")
