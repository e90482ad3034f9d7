"""Where staff usually sign in, and their failures by name

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "usual_places",
        sa.Column("name_digest", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name_digest", "address", name=op.f("pk_usual_places")),
    )
    op.create_index(op.f("ix_usual_places_last_at"), "usual_places", ["last_at"])
    op.create_index(
        "ix_login_attempts_name_digest_attempted_at",
        "login_attempts",
        ["name_digest", "attempted_at"],
    )


def downgrade() -> None:
    op.drop_index("ix_login_attempts_name_digest_attempted_at", "login_attempts")
    op.drop_table("usual_places")
