"""Tasks that make calls again, and channels whose failed calls are made again by themselves

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_COUNTS = ("waiting", "in_hand", "done", "failed", "unknown", "left_out")


def upgrade() -> None:
    op.add_column("channels", sa.Column("retry_period_s", sa.Integer(), nullable=True))
    op.add_column(
        "channels",
        sa.Column("retry_max_attempts", sa.Integer(), server_default="5", nullable=False),
    )
    op.create_table(
        "rerun_tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        *_leased(),
        sa.Column("made_by", sa.String(255), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("filter", sa.JSON(), nullable=True),
        sa.Column("batch_size", sa.Integer(), nullable=False),
        sa.Column("include_repeated", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("cursor", sa.Uuid(), nullable=True),
        sa.Column("is_at_work", sa.Boolean(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rerun_tasks")),
    )
    op.create_index(op.f("ix_rerun_tasks_next_attempt_at"), "rerun_tasks", ["next_attempt_at"])
    op.create_table(
        "rerun_task_calls",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("repeat_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["task_id"],
            ["rerun_tasks.id"],
            name=op.f("fk_rerun_task_calls_task_id_rerun_tasks"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("task_id", "correlation_id", name=op.f("pk_rerun_task_calls")),
    )
    op.create_index(
        "ix_rerun_task_calls_task_id_state",
        "rerun_task_calls",
        ["task_id", "state", "correlation_id"],
    )
    op.create_table(
        "retries",
        *_leased(),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("repeat_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["correlation_id"],
            ["transactions.correlation_id"],
            name=op.f("fk_retries_correlation_id_transactions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("correlation_id", name=op.f("pk_retries")),
    )
    for name in ("channel_id", "next_attempt_at"):
        op.create_index(op.f(f"ix_retries_{name}"), "retries", [name])


def downgrade() -> None:
    op.drop_table("retries")
    op.drop_table("rerun_task_calls")
    op.drop_table("rerun_tasks")
    op.drop_column("channels", "retry_max_attempts")
    op.drop_column("channels", "retry_period_s")


def _leased() -> list[sa.Column]:
    return [
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
    ]
