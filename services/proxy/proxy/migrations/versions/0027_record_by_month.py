"""The record of calls is in monthly partitions; channels say how long their calls are kept

Revision: 0027, after 0022
"""

import sqlalchemy as sa
from alembic import op
from common.clock import utc_now
from common.db.migrations.partitions import into_months, into_one_table

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_OF_CALLS = (
    *("async_calls", "retries", "stored_requests", "stored_responses"),
    *("transaction_fields", "transaction_properties", "transaction_reports"),
)
_BY_MONTH = (
    *("transactions", "stored_requests", "transaction_properties", "transaction_reports"),
    "rejections",
)


def upgrade() -> None:
    """Whatever an interruption left done is not done twice: on PostgreSQL parts are committed."""
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for table in _OF_CALLS:
        if is_postgres:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {_key(table)}")
            continue
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_constraint(_key(table), type_="foreignkey")
    for table in _BY_MONTH:
        into_months(table, "correlation_id", utc_now())
    op.add_column("channels", sa.Column("retention_days", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("channels", "retention_days")
    for table in _BY_MONTH:
        into_one_table(table)
    for table in _OF_CALLS:
        # Such rows were removed with their calls, or would have been.
        op.execute(
            f"DELETE FROM {table} WHERE NOT EXISTS (SELECT 1 FROM transactions"  # noqa: S608
            f" WHERE transactions.correlation_id = {table}.correlation_id)"
        )
        with op.batch_alter_table(table) as batch_op:
            batch_op.create_foreign_key(
                _key(table),
                "transactions",
                ["correlation_id"],
                ["correlation_id"],
                ondelete="CASCADE",
            )


def _key(table: str) -> str:
    return op.f(f"fk_{table}_correlation_id_transactions")
