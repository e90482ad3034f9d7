"""Channels one after the other, digests, webhooks

Revision: 0010, after 0008
"""

import sqlalchemy as sa
from alembic import op
from notification.catalogue import first_data

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _moment(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("event_rule", sa.Column("cascade_after_s", sa.Integer(), nullable=True))
    op.add_column(
        "event_rule_channel",
        sa.Column("position", sa.SmallInteger(), server_default="0", nullable=False),
    )
    op.add_column("event_catalog", sa.Column("digest_after", sa.Integer(), nullable=True))
    op.add_column("event_catalog", sa.Column("digest_window_s", sa.Integer(), nullable=True))
    op.add_column("template", sa.Column("digest_body", sa.Text(), nullable=True))
    op.create_table(
        "webhook",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("actor_type", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("stopped_reason", sa.Text(), nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        sa.ForeignKeyConstraint(
            ["actor_type"], ["lk_actor_type.code"], name=op.f("fk_webhook_actor_type_lk_actor_type")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        sa.UniqueConstraint("user_id", "actor_type", name=op.f("uq_webhook_user_id_actor_type")),
    )
    op.create_table(
        "cascade_step",
        sa.Column("outbox_id", sa.Uuid(), nullable=False),
        sa.Column("cascade_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("wait_s", sa.Integer(), nullable=False),
        _moment("since", nullable=True),
        _moment("look_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["outbox_id"],
            ["outbox.id"],
            name=op.f("fk_cascade_step_outbox_id_outbox"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("outbox_id", name=op.f("pk_cascade_step")),
    )
    op.create_index(op.f("ix_cascade_step_cascade_id"), "cascade_step", ["cascade_id"])
    op.create_index(op.f("ix_cascade_step_look_at"), "cascade_step", ["look_at"])
    op.create_table(
        "digest_window",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_code", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("actor_type", sa.String(length=64), nullable=False),
        _moment("ends_at"),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_window")),
        sa.UniqueConstraint(
            "event_code",
            "channel",
            "user_id",
            "actor_type",
            name=op.f("uq_digest_window_event_code_channel_user_id_actor_type"),
        ),
    )
    is_holding = sa.text("held > 0")
    op.create_index(
        "ix_digest_window_due",
        "digest_window",
        ["ends_at"],
        postgresql_where=is_holding,
        sqlite_where=is_holding,
    )
    op.create_table(
        "digest_item",
        sa.Column("outbox_id", sa.Uuid(), nullable=False),
        sa.Column("window_id", sa.Uuid(), nullable=False),
        sa.Column("digest_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["outbox_id"],
            ["outbox.id"],
            name=op.f("fk_digest_item_outbox_id_outbox"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("outbox_id", name=op.f("pk_digest_item")),
    )
    op.create_index(op.f("ix_digest_item_window_id"), "digest_item", ["window_id"])
    op.create_index(op.f("ix_digest_item_digest_id"), "digest_item", ["digest_id"])
    first_data.seed(op.get_bind())


def downgrade() -> None:
    for table in ("digest_item", "digest_window", "cascade_step", "webhook"):
        op.drop_table(table)
    for table, columns in (
        ("template", ["digest_body"]),
        ("event_catalog", ["digest_window_s", "digest_after"]),
        ("event_rule_channel", ["position"]),
        ("event_rule", ["cascade_after_s"]),
    ):
        with op.batch_alter_table(table) as batch_op:
            for column in columns:
                batch_op.drop_column(column)
