"""Exchanges and late answers are found by the request that they came of

Revision: 0005, after 0003
"""

from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_exchanges_correlation_id", "exchanges", ["correlation_id"])
    op.create_index(op.f("ix_async_answers_correlation_id"), "async_answers", ["correlation_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_async_answers_correlation_id"), "async_answers")
    op.drop_index("ix_exchanges_correlation_id", "exchanges")
