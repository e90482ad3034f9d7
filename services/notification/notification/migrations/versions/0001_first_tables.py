"""First tables

Revision: 0001, after
"""

import sqlalchemy as sa
from alembic import op
from notification.catalogue import first_data

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consumed_events",
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("consumed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_consumed_events")),
    )
    with op.batch_alter_table("consumed_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_consumed_events_consumed_at"), ["consumed_at"], unique=False
        )

    op.create_table(
        "event_outbox",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_event_outbox_event_id")),
    )
    with op.batch_alter_table("event_outbox", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_event_outbox_next_attempt_at"), ["next_attempt_at"], unique=False
        )

    op.create_table(
        "in_app_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("outbox_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("actor_type", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("event_code", sa.String(length=64), nullable=False),
        sa.Column("entity_type", sa.String(length=128), nullable=True),
        sa.Column("entity_id", sa.String(length=128), nullable=True),
        sa.Column("is_read", sa.Boolean(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_in_app_message")),
        sa.UniqueConstraint("outbox_id", name=op.f("uq_in_app_message_outbox_id")),
    )
    with op.batch_alter_table("in_app_message", schema=None) as batch_op:
        batch_op.create_index("ix_in_app_message_user", ["user_id", "id"], unique=False)

    op.create_table(
        "lk_actor_type",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lk_actor_type")),
        sa.UniqueConstraint("code", name=op.f("uq_lk_actor_type_code")),
    )
    op.create_table(
        "lk_channel",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lk_channel")),
        sa.UniqueConstraint("code", name=op.f("uq_lk_channel_code")),
    )
    op.create_table(
        "lk_module",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lk_module")),
        sa.UniqueConstraint("code", name=op.f("uq_lk_module_code")),
    )
    op.create_table(
        "lk_priority",
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lk_priority")),
        sa.UniqueConstraint("code", name=op.f("uq_lk_priority_code")),
    )
    op.create_table(
        "lk_status",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lk_status")),
        sa.UniqueConstraint("code", name=op.f("uq_lk_status_code")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_code", sa.String(length=64), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.String(length=64), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("recipient_user_id", sa.String(length=128), nullable=False),
        sa.Column("recipient_actor_type", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("to_phone", sa.Text(), nullable=True),
        sa.Column("to_email", sa.String(length=320), nullable=True),
        sa.Column("entity_type", sa.String(length=128), nullable=True),
        sa.Column("entity_id", sa.String(length=128), nullable=True),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("max_attempts", sa.SmallInteger(), nullable=False),
        sa.Column("earlier_entries", sa.SmallInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=512), nullable=False),
        sa.Column("sms_encoding", sa.String(length=8), nullable=True),
        sa.Column("sms_segments", sa.SmallInteger(), nullable=True),
        sa.Column("provider", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_outbox_idempotency_key")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_due",
            ["channel", "rank", "next_attempt_at"],
            unique=False,
            postgresql_where=sa.text("status IN ('QUEUED', 'FAILED') AND NOT is_final"),
            sqlite_where=sa.text("status IN ('QUEUED', 'FAILED') AND NOT is_final"),
        )
        batch_op.create_index(
            "ix_outbox_lease_token",
            ["lease_token"],
            unique=False,
            postgresql_where=sa.text("lease_token IS NOT NULL"),
            sqlite_where=sa.text("lease_token IS NOT NULL"),
        )
        batch_op.create_index("ix_outbox_recipient", ["recipient_user_id", "id"], unique=False)
        batch_op.create_index("ix_outbox_status", ["status", "id"], unique=False)

    op.create_table(
        "delivery_log",
        sa.Column("outbox_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_no", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=True),
        sa.Column("provider_message_id", sa.String(length=255), nullable=True),
        sa.Column("response_payload", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["outbox_id"],
            ["outbox.id"],
            name=op.f("fk_delivery_log_outbox_id_outbox"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("outbox_id", "attempt_no", name=op.f("pk_delivery_log")),
    )
    with op.batch_alter_table("delivery_log", schema=None) as batch_op:
        batch_op.create_index(
            "ix_delivery_log_provider_message_id",
            ["provider", "provider_message_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_delivery_log_started",
            ["outbox_id"],
            unique=False,
            postgresql_where=sa.text("status = 'started'"),
            sqlite_where=sa.text("status = 'started'"),
        )

    op.create_table(
        "event_catalog",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("context_schema", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("when_unknown", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["module"], ["lk_module.code"], name=op.f("fk_event_catalog_module_lk_module")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_catalog")),
        sa.UniqueConstraint("code", name=op.f("uq_event_catalog_code")),
    )
    with op.batch_alter_table("event_catalog", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_catalog_module"), ["module"], unique=False)

    op.create_table(
        "user_preference",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("actor_type", sa.String(length=64), nullable=False),
        sa.Column("allow_sms", sa.Boolean(), nullable=False),
        sa.Column("allow_email", sa.Boolean(), nullable=False),
        sa.Column("allow_in_app", sa.Boolean(), nullable=False),
        sa.Column("preferred_lang", sa.String(length=16), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_until", sa.Time(), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_type"],
            ["lk_actor_type.code"],
            name=op.f("fk_user_preference_actor_type_lk_actor_type"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_preference")),
        sa.UniqueConstraint(
            "user_id", "actor_type", name=op.f("uq_user_preference_user_id_actor_type")
        ),
    )
    op.create_table(
        "event_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_code", sa.String(length=64), nullable=False),
        sa.Column("recipient_policy", sa.String(length=64), nullable=False),
        sa.Column("priority", sa.String(length=64), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_code"],
            ["event_catalog.code"],
            name=op.f("fk_event_rule_event_code_event_catalog"),
        ),
        sa.ForeignKeyConstraint(
            ["priority"], ["lk_priority.code"], name=op.f("fk_event_rule_priority_lk_priority")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_rule")),
    )
    with op.batch_alter_table("event_rule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_rule_event_code"), ["event_code"], unique=False)

    op.create_table(
        "template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_code", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_code"],
            ["event_catalog.code"],
            name=op.f("fk_template_event_code_event_catalog"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template")),
        sa.UniqueConstraint(
            "event_code",
            "channel",
            "language",
            "version",
            name=op.f("uq_template_event_code_channel_language_version"),
        ),
    )
    op.create_table(
        "event_rule_channel",
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_id"],
            ["event_rule.id"],
            name=op.f("fk_event_rule_channel_rule_id_event_rule"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("rule_id", "channel", name=op.f("pk_event_rule_channel")),
    )
    first_data.seed(op.get_bind())


def downgrade() -> None:
    op.drop_table("event_rule_channel")
    op.drop_table("template")
    with op.batch_alter_table("event_rule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_rule_event_code"))

    op.drop_table("event_rule")
    op.drop_table("user_preference")
    with op.batch_alter_table("event_catalog", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_catalog_module"))

    op.drop_table("event_catalog")
    with op.batch_alter_table("delivery_log", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_log_provider_message_id")
        batch_op.drop_index(
            "ix_delivery_log_started",
            postgresql_where=sa.text("status = 'started'"),
            sqlite_where=sa.text("status = 'started'"),
        )

    op.drop_table("delivery_log")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_status")
        batch_op.drop_index("ix_outbox_recipient")
        batch_op.drop_index(
            "ix_outbox_lease_token",
            postgresql_where=sa.text("lease_token IS NOT NULL"),
            sqlite_where=sa.text("lease_token IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_outbox_due",
            postgresql_where=sa.text("status IN ('QUEUED', 'FAILED') AND NOT is_final"),
            sqlite_where=sa.text("status IN ('QUEUED', 'FAILED') AND NOT is_final"),
        )

    op.drop_table("outbox")
    op.drop_table("lk_status")
    op.drop_table("lk_priority")
    op.drop_table("lk_module")
    op.drop_table("lk_channel")
    op.drop_table("lk_actor_type")
    with op.batch_alter_table("in_app_message", schema=None) as batch_op:
        batch_op.drop_index("ix_in_app_message_user")

    op.drop_table("in_app_message")
    with op.batch_alter_table("event_outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_outbox_next_attempt_at"))

    op.drop_table("event_outbox")
    with op.batch_alter_table("consumed_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consumed_events_consumed_at"))

    op.drop_table("consumed_events")
