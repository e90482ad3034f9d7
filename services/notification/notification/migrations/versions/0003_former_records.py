"""The ids that imported records had before

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
        "former_records",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("former_id", sa.String(length=64), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("kind", "former_id", name=op.f("pk_former_records")),
    )


def downgrade() -> None:
    op.drop_table("former_records")
