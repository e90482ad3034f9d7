"""People, numbers and words may be sealed: what stands for them is longer

Revision: 0010, after 0009

Rows stay as they are, and readable, until `reseal` turns them over.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

#: By table the columns, their former lengths, and whether they may be empty.
_TEXTS = {
    "insurees": [
        ("chf_id", 50, False),
        ("last_name", 100, False),
        ("other_names", 100, False),
        ("phone", 50, True),
        ("number", 20, True),
    ],
    "waiting_consents": [("chf_id", 50, False)],
    "tblIndicationOfPolicyNotificationsDetails": [("Recipient", 50, True)],
    "payment_notices": [("payer_number", 20, True), ("recipient", 50, True)],
}


def upgrade() -> None:
    for table, columns in _TEXTS.items():
        with op.batch_alter_table(table) as batch:
            for name, chars, is_nullable in columns:
                batch.alter_column(
                    name,
                    existing_type=sa.String(chars),
                    type_=sa.Text(),
                    existing_nullable=is_nullable,
                )


def downgrade() -> None:
    """What was sealed does not become shorter: turn it back before, or lose it."""
    for table, columns in _TEXTS.items():
        with op.batch_alter_table(table) as batch:
            for name, chars, is_nullable in columns:
                batch.alter_column(
                    name,
                    existing_type=sa.Text(),
                    type_=sa.String(chars),
                    existing_nullable=is_nullable,
                )
