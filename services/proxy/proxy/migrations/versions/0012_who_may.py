"""Registrations say who may act for their organization; clients have certificates and limits

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Null in what is there already: every client, as before.
    op.add_column("esb_registrations", sa.Column("allow", sa.JSON(), nullable=True))
    op.add_column(
        "clients",
        sa.Column("certificates", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
    )
    op.add_column("clients", sa.Column("max_rate", sa.Float(), nullable=True))
    op.add_column("clients", sa.Column("max_concurrent", sa.Integer(), nullable=True))
    op.add_column(
        "mediators", sa.Column("circuit_open_until", sa.DateTime(timezone=True), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("mediators", "circuit_open_until")
    op.drop_column("clients", "max_concurrent")
    op.drop_column("clients", "max_rate")
    op.drop_column("clients", "certificates")
    op.drop_column("esb_registrations", "allow")
