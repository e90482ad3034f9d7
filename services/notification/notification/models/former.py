"""What came over from the Django mediator, by the ids that it had there."""

from common.importing.former import FormerRecord as Former

from notification.models.base import Base


class FormerRecord(Former, Base):
    """Kinds: event, template, rule, preference, message, inbox; all integers."""
