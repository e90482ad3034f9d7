"""What mediators report of a call, calls counted that were completed, channels as OpenHIM has them

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_FLAGS = ("is_public", "always_async", "rewrite_urls", "forward_authorization")
_COUNTED = ("completed", "completed_with_errors")


def upgrade() -> None:
    op.create_table(
        "transaction_reports",
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["correlation_id"],
            ["transactions.correlation_id"],
            name=op.f("fk_transaction_reports_correlation_id_transactions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("correlation_id", "part", name=op.f("pk_transaction_reports")),
    )
    op.create_table(
        "transaction_properties",
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("value", sa.String(512), nullable=False),
        sa.ForeignKeyConstraint(
            ["correlation_id"],
            ["transactions.correlation_id"],
            name=op.f("fk_transaction_properties_correlation_id_transactions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("correlation_id", "name", name=op.f("pk_transaction_properties")),
    )
    op.create_index(
        "ix_transaction_properties_name_value",
        "transaction_properties",
        ["name", "value", "correlation_id"],
    )
    for name in _COUNTED:
        op.add_column(
            "hourly_tallies",
            sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        )
    _extend_channels()
    _extend_mediators()


def _extend_channels() -> None:
    with op.batch_alter_table("channels") as batch:
        batch.drop_constraint("uq_channels_path_pattern_mediator_id", type_="unique")
        for name in _FLAGS:
            batch.add_column(
                sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)
            )
        batch.add_column(
            sa.Column("tell_client", sa.Boolean(), server_default=sa.true(), nullable=False)
        )
        for name in ("allowed_addresses", "match_content_types", "routes"):
            batch.add_column(
                sa.Column(name, sa.JSON(), server_default=sa.text("'[]'"), nullable=False)
            )
        batch.add_column(sa.Column("match_body", sa.JSON(none_as_null=True), nullable=True))
        for name, length in (("rewrite_path", 2048), ("rewrite_expression", 1024)):
            batch.add_column(sa.Column(name, sa.String(length), server_default="", nullable=False))


def _extend_mediators() -> None:
    for column in (
        sa.Column("credentials", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("ca_certificates", sa.Text(), server_default="", nullable=False),
        sa.Column("client_certificate", sa.Text(), server_default="", nullable=False),
        sa.Column("has_client_key", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("sealed_secrets", sa.LargeBinary(), nullable=True),
    ):
        op.add_column("mediators", column)


def downgrade() -> None:
    for name in (
        "credentials",
        "ca_certificates",
        "client_certificate",
        "has_client_key",
        "sealed_secrets",
    ):
        op.drop_column("mediators", name)
    with op.batch_alter_table("channels") as batch:
        for name in (*_FLAGS, "tell_client", "allowed_addresses", "match_content_types"):
            batch.drop_column(name)
        for name in ("routes", "match_body", "rewrite_path", "rewrite_expression"):
            batch.drop_column(name)
        batch.create_unique_constraint(
            "uq_channels_path_pattern_mediator_id", ["path_pattern", "mediator_id"]
        )
    for name in _COUNTED:
        op.drop_column("hourly_tallies", name)
    op.drop_table("transaction_properties")
    op.drop_table("transaction_reports")
