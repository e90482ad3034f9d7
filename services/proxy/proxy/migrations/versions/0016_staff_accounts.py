"""Staff have authenticator apps, passkeys, identities elsewhere, sessions to look at, and reset links

Revision: 0016, after 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("staff_users", sa.Column("sealed_totp", sa.LargeBinary(), nullable=True))
    op.add_column("staff_users", sa.Column("totp_step", sa.BigInteger(), nullable=True))
    op.add_column(
        "staff_users",
        sa.Column("recovery_hashes", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
    )
    op.add_column("staff_users", sa.Column("oidc_identity", sa.String(512), nullable=True))
    op.create_index("uq_staff_users_oidc_identity", "staff_users", ["oidc_identity"], unique=True)
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("credential_id", sa.String(1400), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("last_used_at", moment, nullable=True),
        _of_staff("passkeys"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    op.create_index(op.f("ix_passkeys_staff_id"), "passkeys", ["staff_id"])
    op.create_table(
        "open_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("proof", sa.String(16), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("browser", sa.String(255), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        _of_staff("open_sessions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_open_sessions")),
    )
    op.create_index(op.f("ix_open_sessions_staff_id"), "open_sessions", ["staff_id"])
    op.create_index(op.f("ix_open_sessions_began_at"), "open_sessions", ["began_at"])
    op.create_table(
        "password_resets",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        _of_staff("password_resets"),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_password_resets")),
        sa.UniqueConstraint("digest", name=op.f("uq_password_resets_digest")),
    )
    op.create_index(op.f("ix_password_resets_expires_at"), "password_resets", ["expires_at"])


def _of_staff(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_staff_id_staff_users")
    return sa.ForeignKeyConstraint(["staff_id"], ["staff_users.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    op.drop_table("password_resets")
    op.drop_table("open_sessions")
    op.drop_table("passkeys")
    op.drop_index("uq_staff_users_oidc_identity", "staff_users")
    for name in ("oidc_identity", "recovery_hashes", "totp_step", "sealed_totp"):
        op.drop_column("staff_users", name)
