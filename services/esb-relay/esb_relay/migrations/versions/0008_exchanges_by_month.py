"""The log of exchanges is in monthly partitions

Revision: 0008, after 0006
"""

from common.clock import utc_now
from common.db.migrations.partitions import into_months, into_one_table

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    into_months("exchanges", "id", utc_now())


def downgrade() -> None:
    into_one_table("exchanges")
