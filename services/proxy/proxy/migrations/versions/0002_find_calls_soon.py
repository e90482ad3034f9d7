"""Find calls soon: indexes of what is out of the ordinary

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NOT_200 = sa.text("response_status_code <> 200")
RARE_METHOD = sa.text("request_method NOT IN ('GET', 'POST')")
IS_RERUN = sa.text("parent_id IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_transactions_not_200",
        "transactions",
        ["correlation_id", "response_status_code"],
        sqlite_where=NOT_200,
        postgresql_where=NOT_200,
    )
    op.create_index(
        "ix_transactions_rare_method",
        "transactions",
        ["request_method", "correlation_id"],
        sqlite_where=RARE_METHOD,
        postgresql_where=RARE_METHOD,
    )
    op.create_index(
        "ix_transactions_parent_id",
        "transactions",
        ["parent_id"],
        sqlite_where=IS_RERUN,
        postgresql_where=IS_RERUN,
    )


def downgrade() -> None:
    op.drop_index("ix_transactions_parent_id", "transactions")
    op.drop_index("ix_transactions_rare_method", "transactions")
    op.drop_index("ix_transactions_not_200", "transactions")
