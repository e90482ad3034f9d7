"""First tables

Revision: 0001, the first
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clients",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("allowed_ips", sa.JSON(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
        sa.UniqueConstraint("client_id", name=op.f("uq_clients_client_id")),
    )
    op.create_table(
        "ended_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ended_sessions")),
    )
    with op.batch_alter_table("ended_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ended_sessions_ended_at"), ["ended_at"], unique=False)

    op.create_table(
        "gateway_processes",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_gateway_processes")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("client_name", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("response_status_code", sa.Integer(), nullable=True),
        sa.Column("response_headers", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("response_body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("client_name", "key", name=op.f("pk_idempotency_keys")),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_idempotency_keys_created_at"), ["created_at"], unique=False
        )

    op.create_table(
        "login_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name_digest", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
    )
    with op.batch_alter_table("login_attempts", schema=None) as batch_op:
        batch_op.create_index(
            "ix_login_attempts_address_attempted_at", ["address", "attempted_at"], unique=False
        )

    op.create_table(
        "mediators",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("urn", sa.String(length=255), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("endpoint_url", sa.String(length=2048), nullable=False),
        sa.Column("is_online", sa.Boolean(), nullable=False),
        sa.Column("last_heartbeat", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uptime", sa.Float(), nullable=True),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mediators")),
        sa.UniqueConstraint("urn", name=op.f("uq_mediators_urn")),
    )
    op.create_table(
        "rejections",
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_claimed", sa.String(length=255), nullable=True),
        sa.Column("client_address", sa.String(length=64), nullable=False),
        sa.Column("request_method", sa.String(length=32), nullable=False),
        sa.Column("request_path", sa.Text(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("nearest", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("correlation_id", name=op.f("pk_rejections")),
    )
    op.create_table(
        "routing_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_version")),
    )
    op.create_table(
        "staff_users",
        sa.Column("username", sa.String(length=150), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_users")),
        sa.UniqueConstraint("username", name=op.f("uq_staff_users_username")),
    )
    op.create_table(
        "transactions",
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("channel_name", sa.String(length=255), nullable=True),
        sa.Column("client_name", sa.String(length=255), nullable=False),
        sa.Column("client_address", sa.String(length=64), nullable=False),
        sa.Column("organization", sa.String(length=255), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("request_method", sa.String(length=32), nullable=False),
        sa.Column("request_url", sa.Text(), nullable=False),
        sa.Column("request_headers", sa.JSON(), nullable=False),
        sa.Column("request_body", sa.Text(), nullable=False),
        sa.Column("request_body_whole", sa.Boolean(), nullable=False),
        sa.Column("response_status_code", sa.Integer(), nullable=True),
        sa.Column("response_headers", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("response_body", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("esb_exchange_id", sa.String(length=64), nullable=True),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("match_ms", sa.Float(), nullable=True),
        sa.Column("upstream_ms", sa.Float(), nullable=True),
        sa.Column("store_ms", sa.Float(), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("correlation_id", name=op.f("pk_transactions")),
    )
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_transactions_channel_name_correlation_id",
            ["channel_name", "correlation_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_transactions_client_name_correlation_id",
            ["client_name", "correlation_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_transactions_not_successful",
            ["status", "correlation_id"],
            unique=False,
            sqlite_where=sa.text("status <> 'successful'"),
            postgresql_where=sa.text("status <> 'successful'"),
        )

    op.create_table(
        "async_calls",
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("esb", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("has_idempotency_key", sa.Boolean(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["correlation_id"],
            ["transactions.correlation_id"],
            name=op.f("fk_async_calls_correlation_id_transactions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("correlation_id", name=op.f("pk_async_calls")),
    )
    with op.batch_alter_table("async_calls", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_async_calls_next_attempt_at"), ["next_attempt_at"], unique=False
        )

    op.create_table(
        "channels",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("path_pattern", sa.String(length=1024), nullable=False),
        sa.Column("methods", sa.JSON(), nullable=False),
        sa.Column("requires_request_body", sa.Boolean(), nullable=False),
        sa.Column("request_content_type", sa.String(length=255), nullable=False),
        sa.Column("request_body_example", sa.Text(), nullable=False),
        sa.Column("request_body_schema", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("channel_type", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("allow", sa.JSON(), nullable=False),
        sa.Column("timeout_s", sa.Float(), nullable=True),
        sa.Column("store_request_body", sa.Boolean(), nullable=False),
        sa.Column("store_response_body", sa.Boolean(), nullable=False),
        sa.Column("keep_whole_bodies", sa.Boolean(), nullable=False),
        sa.Column("mediator_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["mediator_id"], ["mediators.id"], name=op.f("fk_channels_mediator_id_mediators")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channels")),
        sa.UniqueConstraint("name", name=op.f("uq_channels_name")),
        sa.UniqueConstraint(
            "path_pattern", "mediator_id", name=op.f("uq_channels_path_pattern_mediator_id")
        ),
    )
    with op.batch_alter_table("channels", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_channels_mediator_id"), ["mediator_id"], unique=False)

    op.create_table(
        "client_secrets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_pk", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_pk"],
            ["clients.id"],
            name=op.f("fk_client_secrets_client_pk_clients"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_secrets")),
    )
    with op.batch_alter_table("client_secrets", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_client_secrets_client_pk"), ["client_pk"], unique=False
        )

    op.create_table(
        "stored_requests",
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("raw_path", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["correlation_id"],
            ["transactions.correlation_id"],
            name=op.f("fk_stored_requests_correlation_id_transactions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("correlation_id", name=op.f("pk_stored_requests")),
    )
    op.create_table(
        "esb_registrations",
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("organization", sa.String(length=255), nullable=False),
        sa.Column("organization_key", sa.String(length=255), nullable=False),
        sa.Column("api_code", sa.String(length=255), nullable=False),
        sa.Column("push_code", sa.String(length=255), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["channels.id"],
            name=op.f("fk_esb_registrations_channel_id_channels"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_esb_registrations")),
        sa.UniqueConstraint(
            "channel_id",
            "organization_key",
            name=op.f("uq_esb_registrations_channel_id_organization_key"),
        ),
    )
    with op.batch_alter_table("esb_registrations", schema=None) as batch_op:
        batch_op.create_index(
            "uq_esb_registrations_global_organization",
            ["organization_key"],
            unique=True,
            sqlite_where=sa.text("channel_id IS NULL"),
            postgresql_where=sa.text("channel_id IS NULL"),
        )

    op.execute("INSERT INTO routing_version (id, version) VALUES (1, 1)")


def downgrade() -> None:
    with op.batch_alter_table("esb_registrations", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_esb_registrations_global_organization",
            sqlite_where=sa.text("channel_id IS NULL"),
            postgresql_where=sa.text("channel_id IS NULL"),
        )

    op.drop_table("esb_registrations")
    op.drop_table("stored_requests")
    with op.batch_alter_table("client_secrets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_client_secrets_client_pk"))

    op.drop_table("client_secrets")
    with op.batch_alter_table("channels", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_channels_mediator_id"))

    op.drop_table("channels")
    with op.batch_alter_table("async_calls", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_async_calls_next_attempt_at"))

    op.drop_table("async_calls")
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_transactions_not_successful",
            sqlite_where=sa.text("status <> 'successful'"),
            postgresql_where=sa.text("status <> 'successful'"),
        )
        batch_op.drop_index("ix_transactions_client_name_correlation_id")
        batch_op.drop_index("ix_transactions_channel_name_correlation_id")

    op.drop_table("transactions")
    op.drop_table("staff_users")
    op.drop_table("routing_version")
    op.drop_table("rejections")
    op.drop_table("mediators")
    with op.batch_alter_table("login_attempts", schema=None) as batch_op:
        batch_op.drop_index("ix_login_attempts_address_attempted_at")

    op.drop_table("login_attempts")
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_keys_created_at"))

    op.drop_table("idempotency_keys")
    op.drop_table("gateway_processes")
    with op.batch_alter_table("ended_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ended_sessions_ended_at"))

    op.drop_table("ended_sessions")
    op.drop_table("clients")
