"""Paths, queries and headers of the record are sealed, of a request together; filters of tasks, too

The version before goes on writing them in clear, and reads `***` for what is sealed.

Revision: 0028, after 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("transactions", "request_head"),
    ("transactions", "response_head"),
    ("rejections", "sealed"),
    ("shadow_differences", "sealed"),
    ("rerun_tasks", "sealed_filter"),
)


def upgrade() -> None:
    for table, name in _COLUMNS:
        op.add_column(table, sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    for table, name in _COLUMNS:
        op.drop_column(table, name)
