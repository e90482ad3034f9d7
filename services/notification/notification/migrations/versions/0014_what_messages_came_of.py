"""Messages are found by the request that they came of, and by their number

Revision: 0014, after 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None

_HAS_PHONE = sa.text("to_phone IS NOT NULL")
_HAS_REQUEST = sa.text("correlation_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("correlation_id", sa.String(64), nullable=True))
    op.create_index(
        "ix_outbox_correlation_id",
        "outbox",
        ["correlation_id", "id"],
        postgresql_where=_HAS_REQUEST,
        sqlite_where=_HAS_REQUEST,
    )
    op.create_index(
        "ix_outbox_to_phone",
        "outbox",
        ["to_phone", "id"],
        postgresql_where=_HAS_PHONE,
        sqlite_where=_HAS_PHONE,
    )
    op.add_column("consumed_events", sa.Column("correlation_id", sa.String(64), nullable=True))
    op.create_index(
        op.f("ix_consumed_events_correlation_id"), "consumed_events", ["correlation_id"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_consumed_events_correlation_id"), "consumed_events")
    op.drop_column("consumed_events", "correlation_id")
    op.drop_index("ix_outbox_to_phone", "outbox")
    op.drop_index("ix_outbox_correlation_id", "outbox")
    op.drop_column("outbox", "correlation_id")
