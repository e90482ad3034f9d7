"""What came over from the Django mediator, by the ids that it had there."""

from common.importing.former import FormerRecord as Former

from proxy.models.base import Base


class FormerRecord(Former, Base):
    """Kinds: client, mediator, channel, registration, staff (integers) and transaction (UUIDs)."""
