"""The demonstration: an event with its rule, and its words in English and Swahili.

Added where it is missing; what an operator has changed stays as it is.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from notification.models import ChannelCode, Event, Rule, RuleChannel, Template

EVENT = "DEMO_APPOINTMENT"
_SUBJECTS = {"en": "Your appointment on {date}", "sw": "Miadi yako ya tarehe {date}"}
_SHORT = {
    "en": "Dear {name}, you have an appointment at {place} on {date}.",
    "sw": "Ndugu {name}, una miadi {place} tarehe {date}.",
}
_LONG = {
    "en": "Dear {name},\n\nyou have an appointment at {place} on {date}.\n\nWelcome!\n",
    "sw": "Ndugu {name},\n\nuna miadi {place} tarehe {date}.\n\nKaribu!\n",
}
_BODIES = {ChannelCode.SMS: _SHORT, ChannelCode.EMAIL: _LONG, ChannelCode.IN_APP: _SHORT}


def seed(session: Session) -> bool:
    """Add the event with all that belongs to it; False: it was there already."""
    if session.scalar(select(Event.id).where(Event.code == EVENT)) is not None:
        return False
    session.add(Event(code=EVENT, module="NOTIFICATION", description="Somebody has an appointment"))
    session.flush()
    channels = [RuleChannel(channel=channel) for channel in _BODIES]
    session.add(
        Rule(event_code=EVENT, recipient_policy="ALL", priority="NORMAL", channels=channels)
    )
    session.add_all(
        Template(
            event_code=EVENT,
            channel=channel,
            language=language,
            subject=_SUBJECTS[language],
            body=body,
            version=1,
        )
        for channel, bodies in _BODIES.items()
        for language, body in bodies.items()
    )
    return True
