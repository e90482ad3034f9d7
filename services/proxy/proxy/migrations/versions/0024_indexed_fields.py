"""Channels name fields of bodies that calls are found by, and fields that are masked

Revision: 0024, after 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None

_LISTS = ("indexed_fields", "masked_fields")


def upgrade() -> None:
    for name in _LISTS:
        op.add_column(
            "channels",
            sa.Column(name, sa.JSON(), nullable=False, server_default=sa.text("'[]'")),
        )
    op.create_table(
        "transaction_fields",
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["correlation_id"],
            ["transactions.correlation_id"],
            name=op.f("fk_transaction_fields_correlation_id_transactions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("correlation_id", "part", name=op.f("pk_transaction_fields")),
    )
    op.create_index(
        "ix_transaction_fields_digest", "transaction_fields", ["digest", "correlation_id"]
    )


def downgrade() -> None:
    op.drop_table("transaction_fields")
    with op.batch_alter_table("channels") as table:
        for name in _LISTS:
            table.drop_column(name)
