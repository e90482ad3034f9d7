"""The tables of the schema `notification`."""

from notification.models.base import Base
from notification.models.catalogue import Event, Rule, RuleChannel, Template, UnknownPolicy
from notification.models.events import OutboxEvent, SeenEvent
from notification.models.inbox import InAppMessage
from notification.models.lookups import (
    ActorType,
    Channel,
    ChannelCode,
    Lookup,
    MessageStatus,
    Module,
    Priority,
    Status,
)
from notification.models.outbox import AttemptStatus, DeliveryLog, OutboxMessage
from notification.models.preferences import Preference

__all__ = [
    "ActorType",
    "AttemptStatus",
    "Base",
    "Channel",
    "ChannelCode",
    "DeliveryLog",
    "Event",
    "InAppMessage",
    "Lookup",
    "MessageStatus",
    "Module",
    "OutboxEvent",
    "OutboxMessage",
    "Preference",
    "Priority",
    "Rule",
    "RuleChannel",
    "SeenEvent",
    "Status",
    "Template",
    "UnknownPolicy",
]
