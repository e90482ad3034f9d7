"""The state DIGESTED is called what it is, where nobody has called it otherwise

Revision: 0020, after 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

#: A name of code that a rename had put into the first data.
_WAS, _IS = "MessageHistory in a digest", "Message in a digest"
_STATUS = sa.table("lk_status", sa.column("code"), sa.column("name"), sa.column("revision"))


def upgrade() -> None:
    is_as_it_was = sa.and_(_STATUS.c.code == "DIGESTED", _STATUS.c.name == _WAS)
    changed = {"name": _IS, "revision": _STATUS.c.revision + 1}
    op.execute(sa.update(_STATUS).where(is_as_it_was).values(changed))


def downgrade() -> None:
    """The former version shows the name as well."""
