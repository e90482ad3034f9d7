"""People are found by name and number, events by the request that they came of

Revision: 0008, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_insurees_number"), "insurees", ["number"])
    op.create_index(op.f("ix_insurees_last_name"), "insurees", ["last_name"])
    op.add_column("consumed_events", sa.Column("correlation_id", sa.String(64), nullable=True))
    op.create_index(
        op.f("ix_consumed_events_correlation_id"), "consumed_events", ["correlation_id"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_consumed_events_correlation_id"), "consumed_events")
    op.drop_column("consumed_events", "correlation_id")
    op.drop_index(op.f("ix_insurees_last_name"), "insurees")
    op.drop_index(op.f("ix_insurees_number"), "insurees")
