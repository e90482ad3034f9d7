"""Ways, receipts, keys: what messages need beside their words

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op
from notification.catalogue import first_data

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "emission_key",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_emission_key")),
    )
    with op.batch_alter_table("emission_key", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_emission_key_created_at"), ["created_at"], unique=False
        )

    op.create_table(
        "receipt_word",
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("word", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "word", name=op.f("pk_receipt_word")),
    )
    op.create_table(
        "way",
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("closed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("closed_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closings", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel", "provider", name=op.f("pk_way")),
    )
    op.create_table(
        "delivery_part",
        sa.Column("outbox_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_no", sa.SmallInteger(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=True),
        sa.Column("provider_message_id", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["outbox_id", "attempt_no"],
            ["delivery_log.outbox_id", "delivery_log.attempt_no"],
            name=op.f("fk_delivery_part_outbox_id_attempt_no_delivery_log"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("outbox_id", "attempt_no", "place", name=op.f("pk_delivery_part")),
    )
    with op.batch_alter_table("delivery_part", schema=None) as batch_op:
        batch_op.create_index(
            "ix_delivery_part_provider_message_id",
            ["provider", "provider_message_id"],
            unique=False,
        )

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("send_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("template", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("transliterate", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    first_data.seed(op.get_bind())


def downgrade() -> None:
    with op.batch_alter_table("template", schema=None) as batch_op:
        batch_op.drop_column("transliterate")

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_column("send_at")

    with op.batch_alter_table("delivery_part", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_part_provider_message_id")

    op.drop_table("delivery_part")
    op.drop_table("way")
    op.drop_table("receipt_word")
    with op.batch_alter_table("emission_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_emission_key_created_at"))

    op.drop_table("emission_key")
