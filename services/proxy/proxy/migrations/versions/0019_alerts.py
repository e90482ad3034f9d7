"""Health checks, minute rollups, alert rules, alerts and who is told

Revision: 0019, after 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_OPEN = sa.text("ended_at IS NULL")
_NEW = (
    "maintenance_windows",
    "alert_messages",
    "alerts",
    "alert_rules",
    "contact_groups",
    "watch_jobs",
    "minute_rollups",
    "health_checks",
)


def upgrade() -> None:
    op.create_table(
        "health_checks",
        sa.Column("measure", sa.String(32), nullable=False),
        _name("subject"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        _moment("checked_at"),
        sa.PrimaryKeyConstraint("measure", "subject", name=op.f("pk_health_checks")),
    )
    op.create_table(
        "minute_rollups",
        _moment("minute"),
        _name("channel_name"),
        _name("client_name"),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("calls", "open_calls", "failures")
        ),
        sa.Column("durations", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "minute", "channel_name", "client_name", name=op.f("pk_minute_rollups")
        ),
    )
    op.create_table(
        "watch_jobs",
        *_leased(),
        sa.Column("name", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_watch_jobs")),
    )
    op.create_table(
        "contact_groups",
        *_recorded(),
        _name("name"),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("contacts", "reports")),
        sa.Column("reported", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_contact_groups_name")),
    )
    op.create_table(
        "alert_rules",
        *_recorded(),
        _name("name"),
        sa.Column("measure", sa.String(32), nullable=False),
        sa.Column("about", sa.String(32), nullable=False),
        _name("subject"),
        sa.Column("threshold", sa.Float(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("percentile", "window_s", "least_calls", "quiet_s", "escalate_after_s")
        ),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("escalation_group_id", sa.Uuid(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [name],
                ["contact_groups.id"],
                name=op.f(f"fk_alert_rules_{name}_contact_groups"),
                ondelete="SET NULL",
            )
            for name in ("group_id", "escalation_group_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_rules")),
        sa.UniqueConstraint("name", name=op.f("uq_alert_rules_name")),
    )
    op.create_table(
        "alerts",
        *_recorded(),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        _name("rule_name"),
        _name("subject"),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        *(
            _moment(name, nullable=True)
            for name in ("ended_at", "acknowledged_at", "notified_at", "escalated_at")
        ),
        sa.Column("acknowledged_by", sa.String(255), nullable=True),
        _cascading("alerts", "rule_id", "alert_rules"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["rule_id", "subject"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_table(
        "alert_messages",
        *_leased(),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("address", sa.String(320), nullable=False),
        _name("subject"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        _moment("created_at"),
        _cascading("alert_messages", "alert_id", "alerts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_messages")),
    )
    for table, column in (
        ("watch_jobs", "next_attempt_at"),
        ("alert_messages", "next_attempt_at"),
        ("alert_messages", "alert_id"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    op.create_table(
        "maintenance_windows",
        *_recorded(),
        sa.Column("about", sa.String(32), nullable=False),
        _name("subject"),
        _moment("begins_at"),
        _moment("ends_at"),
        _name("reason"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance_windows")),
    )


def downgrade() -> None:
    for table in _NEW:
        op.drop_table(table)


def _name(name: str) -> sa.Column:
    return sa.Column(name, sa.String(255), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _recorded() -> list[sa.Column]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
    ]


def _leased() -> list[sa.Column]:
    return [
        _moment("lease_until", nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        _moment("next_attempt_at"),
    ]


def _cascading(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete="CASCADE")
