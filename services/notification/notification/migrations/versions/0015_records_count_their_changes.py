"""Records count their changes, so that a save over a newer one is rejected

Revision: 0015, after 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLES = (
    "event_catalog",
    "template",
    "event_rule",
    "webhook",
    "user_preference",
    "lk_module",
    "lk_channel",
    "lk_status",
    "lk_priority",
    "lk_actor_type",
)


def upgrade() -> None:
    for table in _TABLES:
        counted = sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False)
        op.add_column(table, counted)


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "revision")
