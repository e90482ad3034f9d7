"""The tables of the schema `notification`."""

from notification.models.attachments import StoredAttachment
from notification.models.audit import AUDIT_TABLES, AuditCheckpoint, AuditEvent, AuditHead
from notification.models.base import Base
from notification.models.campaigns import (
    Campaign,
    CampaignReach,
    CampaignRecipient,
    CampaignStatus,
    RecipientStatus,
)
from notification.models.cascades import CascadeStep
from notification.models.catalogue import Event, Rule, RuleChannel, Template, UnknownPolicy
from notification.models.costs import SmsCost
from notification.models.digests import DigestItem, DigestWindow
from notification.models.events import OutboxEvent, SeenEvent
from notification.models.former import FormerRecord
from notification.models.inbox import InAppMessage
from notification.models.keys import EmissionKey
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
from notification.models.outbox import (
    AttemptStatus,
    DeliveryLog,
    DeliveryPart,
    OutboxMessage,
    ReceiptWord,
)
from notification.models.preferences import Preference
from notification.models.reach import AddressFailure
from notification.models.transports import TransportState
from notification.models.webhooks import Webhook

__all__ = [
    "AUDIT_TABLES",
    "ActorType",
    "AddressFailure",
    "AttemptStatus",
    "AuditCheckpoint",
    "AuditEvent",
    "AuditHead",
    "Base",
    "Campaign",
    "CampaignReach",
    "CampaignRecipient",
    "CampaignStatus",
    "CascadeStep",
    "Channel",
    "ChannelCode",
    "DeliveryLog",
    "DeliveryPart",
    "DigestItem",
    "DigestWindow",
    "EmissionKey",
    "Event",
    "FormerRecord",
    "InAppMessage",
    "Lookup",
    "MessageStatus",
    "Module",
    "OutboxEvent",
    "OutboxMessage",
    "Preference",
    "Priority",
    "ReceiptWord",
    "RecipientStatus",
    "Rule",
    "RuleChannel",
    "SeenEvent",
    "SmsCost",
    "Status",
    "StoredAttachment",
    "Template",
    "TransportState",
    "UnknownPolicy",
    "Webhook",
]
