"""What openIMIS says

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sync_progress",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_sync_progress")),
    )
    op.create_table(
        "waiting_consents",
        sa.Column("chf_id", sa.String(length=50), nullable=False),
        sa.Column("approval", sa.Boolean(), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chf_id", name=op.f("pk_waiting_consents")),
    )
    with op.batch_alter_table("families") as batch_op:
        batch_op.add_column(sa.Column("validity_from", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("insurees") as batch_op:
        batch_op.add_column(sa.Column("number", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("validity_from", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))

    # Until the scheme sends its people again; what is longer holds more than a number.
    op.execute("UPDATE insurees SET number = phone WHERE length(phone) <= 20")

    with op.batch_alter_table("locations") as batch_op:
        batch_op.add_column(sa.Column("validity_from", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("validity_to", sa.DateTime(timezone=True), nullable=True))
        batch_op.alter_column(
            "code",
            existing_type=sa.VARCHAR(length=32),
            type_=sa.String(length=50),
            existing_nullable=False,
        )

    with op.batch_alter_table("officers") as batch_op:
        batch_op.add_column(sa.Column("validity_from", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("validity_to", sa.DateTime(timezone=True), nullable=True))
        batch_op.alter_column(
            "code",
            existing_type=sa.VARCHAR(length=32),
            type_=sa.String(length=50),
            existing_nullable=False,
        )

    with op.batch_alter_table("products") as batch_op:
        batch_op.add_column(sa.Column("validity_from", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("validity_to", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("products") as batch_op:
        batch_op.drop_column("validity_to")
        batch_op.drop_column("validity_from")

    with op.batch_alter_table("officers") as batch_op:
        batch_op.alter_column(
            "code",
            existing_type=sa.String(length=50),
            type_=sa.VARCHAR(length=32),
            existing_nullable=False,
        )
        batch_op.drop_column("validity_to")
        batch_op.drop_column("validity_from")

    with op.batch_alter_table("locations") as batch_op:
        batch_op.alter_column(
            "code",
            existing_type=sa.String(length=50),
            type_=sa.VARCHAR(length=32),
            existing_nullable=False,
        )
        batch_op.drop_column("validity_to")
        batch_op.drop_column("validity_from")

    with op.batch_alter_table("insurees") as batch_op:
        batch_op.drop_column("erased_at")
        batch_op.drop_column("validity_from")
        batch_op.drop_column("number")

    with op.batch_alter_table("families") as batch_op:
        batch_op.drop_column("validity_from")

    op.drop_table("waiting_consents")
    op.drop_table("sync_progress")
