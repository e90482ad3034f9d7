"""Signed messages of the bus that were acted on

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbound_envelopes",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("route", sa.String(100), nullable=False),
        sa.Column("request_id", sa.String(255), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_inbound_envelopes")),
    )
    op.create_index(op.f("ix_inbound_envelopes_received_at"), "inbound_envelopes", ["received_at"])
    op.create_index(
        "ix_inbound_envelopes_route_request_id", "inbound_envelopes", ["route", "request_id"]
    )


def downgrade() -> None:
    op.drop_table("inbound_envelopes")
