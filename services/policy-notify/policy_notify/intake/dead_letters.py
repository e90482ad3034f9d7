"""Events of ours that could not be handled; see `common.jobs.dead_letters`."""

from common.jobs.dead_letters import DeadLetters
from common.settings import Environment

from policy_notify.intake import events


def dead_letters(settings: Environment) -> DeadLetters:
    """Those of the queue of records, mutations and payments."""
    return DeadLetters(settings, events.QUEUE)
