"""E-mails in Markdown, and files that go with them

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_HAS_FILES = sa.text("attachment_set IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "attachment",
        sa.Column("set_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("media_type", sa.String(length=129), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("set_id", "place", name=op.f("pk_attachment")),
    )
    op.create_index(op.f("ix_attachment_created_at"), "attachment", ["created_at"])
    is_markdown = sa.Column("is_markdown", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("template", is_markdown)
    op.add_column("outbox", sa.Column("html", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("attachment_set", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_outbox_attachment_set",
        "outbox",
        ["attachment_set"],
        postgresql_where=_HAS_FILES,
        sqlite_where=_HAS_FILES,
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_attachment_set", "outbox")
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_column("attachment_set")
        batch_op.drop_column("html")
    with op.batch_alter_table("template") as batch_op:
        batch_op.drop_column("is_markdown")
    op.drop_table("attachment")
