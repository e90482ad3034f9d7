"""What OpenHIM's mediators say of themselves, their accounts, and clients' custom tokens

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_LISTS = ("endpoints", "config_defs", "default_channels")


def upgrade() -> None:
    for name in _LISTS:
        op.add_column("mediators", sa.Column(name, sa.JSON(), server_default="[]", nullable=False))
    op.add_column(
        "mediators", sa.Column("account", sa.String(255), server_default="", nullable=False)
    )
    op.add_column("mediators", sa.Column("sealed_config", sa.LargeBinary(), nullable=True))
    op.add_column(
        "mediators", sa.Column("config_changed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("clients", sa.Column("token_digest", sa.String(64), nullable=True))
    op.add_column("clients", sa.Column("sealed_log_in", sa.LargeBinary(), nullable=True))
    op.create_index("uq_clients_token_digest", "clients", ["token_digest"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_clients_token_digest", "clients")
    op.drop_column("clients", "sealed_log_in")
    op.drop_column("clients", "token_digest")
    op.drop_column("mediators", "config_changed_at")
    op.drop_column("mediators", "sealed_config")
    op.drop_column("mediators", "account")
    for name in reversed(_LISTS):
        op.drop_column("mediators", name)
