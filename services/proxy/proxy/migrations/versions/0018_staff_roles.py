"""Staff may have roles that administrators made; a rerun task knows which member made it

Revision: 0018, after 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "staff_roles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("rights", sa.JSON(), nullable=False),
        sa.Column("view_channels", sa.JSON(), nullable=True),
        sa.Column("body_channels", sa.JSON(), nullable=True),
        sa.Column("rerun_channels", sa.JSON(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_roles")),
        sa.UniqueConstraint("name", name=op.f("uq_staff_roles_name")),
    )
    with op.batch_alter_table("staff_users") as table:
        table.add_column(sa.Column("role_id", sa.Uuid(), nullable=True))
        table.create_foreign_key(
            op.f("fk_staff_users_role_id_staff_roles"), "staff_roles", ["role_id"], ["id"]
        )
    op.add_column("rerun_tasks", sa.Column("made_by_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("rerun_tasks", "made_by_id")
    with op.batch_alter_table("staff_users") as table:
        table.drop_constraint(op.f("fk_staff_users_role_id_staff_roles"), type_="foreignkey")
        table.drop_column("role_id")
    op.drop_table("staff_roles")
