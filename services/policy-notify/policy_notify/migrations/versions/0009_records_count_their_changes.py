"""Records count their changes, so that a save over a newer one is rejected

Revision: 0009, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLES = ("tblFamilySMS",)


def upgrade() -> None:
    for table in _TABLES:
        counted = sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False)
        op.add_column(table, counted)


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "revision")
