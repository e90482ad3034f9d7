"""People, addresses and words may be sealed: what stands for them is longer

Revision: 0016, after 0015

Rows stay as they are, and readable, until `reseal` turns them over.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

#: By table the columns, their former lengths, and whether they may be empty.
_TEXTS = {
    "attachment": [("name", 100, False)],
    "campaign_recipient": [("user_id", 128, False)],
    "digest_window": [("user_id", 128, False)],
    "in_app_message": [("user_id", 128, False), ("entity_id", 128, True)],
    "emission_key": [("key", 200, False)],
    "outbox": [
        ("recipient_user_id", 128, False),
        ("to_email", 320, True),
        ("entity_id", 128, True),
        ("idempotency_key", 512, False),
    ],
    "user_preference": [("user_id", 128, False)],
    "address_failure": [("user_id", 128, False), ("address", 320, False)],
    "webhook": [("user_id", 128, False)],
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
