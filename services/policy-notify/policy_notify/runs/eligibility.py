"""Whether a message that was found goes out. Pure: a table of facts in, a rejection or none out."""

from dataclasses import dataclass
from datetime import date

from common.texts import N_

from policy_notify.models import IndicationStatus, NotificationType

DENIED = N_("The family has denied notifications")
ALREADY_SENT = "Already sent"
NOT_ENABLED = N_("This type of notification is not enabled")
ONLY_START = N_("Activated on its effective day: only the start message goes out")
OBSOLETE = N_("The event is too old for a notification")
CHANGED = N_("The policy has changed while the message waited")
NO_PHONE = N_("Nobody in the family has a phone number")


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that decide."""

    enabled: frozenset[NotificationType]
    activation_relevance_days: int = 5
    renewal_relevance_days: int = 5
    catch_up_days: int = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a message that was found for the day `today`.

    `happened_on`: when the policy's present record began to hold (its activation or renewal).
    """

    type: NotificationType
    approved: bool
    already_sent: bool
    happened_on: date
    effective_date: date | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a message does not go out."""

    status: IndicationStatus
    reason: str


def unknown_value(name: str) -> str:
    """The reason of a message that would have a hole."""
    return f"The text names {{{name}}}, and it is not known"


def rejection(facts: Facts, rules: Rules, today: date) -> Rejection | None:
    """The first reason against a message, in the order of the specification; None: it goes out."""
    if not facts.approved:
        return Rejection(IndicationStatus.NO_PERMISSION, DENIED)
    if facts.already_sent:
        return Rejection(IndicationStatus.NOT_VALID, ALREADY_SENT)
    if facts.type not in rules.enabled:
        return Rejection(IndicationStatus.NOT_VALID, NOT_ENABLED)
    if facts.type is NotificationType.ACTIVATION and _start_says_it(facts, rules, today):
        return Rejection(IndicationStatus.NOT_VALID, ONLY_START)
    if _is_obsolete(facts, rules, today):
        return Rejection(IndicationStatus.OBSOLETE, OBSOLETE)
    return None


def _start_says_it(facts: Facts, rules: Rules, today: date) -> bool:
    """The start message goes out today, or is caught up for a day on which both happened."""
    effective = facts.effective_date
    if NotificationType.STARTING not in rules.enabled or effective is None:
        return False
    age_days = (today - effective).days
    if age_days == 0:
        return True
    return 0 < age_days <= rules.catch_up_days and facts.happened_on == effective


def _is_obsolete(facts: Facts, rules: Rules, today: date) -> bool:
    age_days = (today - facts.happened_on).days
    if facts.type is NotificationType.ACTIVATION:
        return age_days > rules.activation_relevance_days
    if facts.type is NotificationType.RENEWAL:
        return age_days > rules.renewal_relevance_days
    return False
