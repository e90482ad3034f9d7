"""Find calls that were slow, or by a property's value alone; views that staff keep

Revision: 0020, after 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

IS_SLOW = sa.text("duration_ms >= 1000")


def upgrade() -> None:
    op.create_index(
        "ix_transactions_slow",
        "transactions",
        ["correlation_id", "duration_ms"],
        sqlite_where=IS_SLOW,
        postgresql_where=IS_SLOW,
    )
    op.create_index(
        "ix_transaction_properties_value", "transaction_properties", ["value", "correlation_id"]
    )
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff_users.id"],
            name=op.f("fk_saved_views_staff_id_staff_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("staff_id", "name", name="uq_saved_views_staff_id_name"),
    )


def downgrade() -> None:
    op.drop_table("saved_views")
    op.drop_index("ix_transaction_properties_value", "transaction_properties")
    op.drop_index("ix_transactions_slow", "transactions")
