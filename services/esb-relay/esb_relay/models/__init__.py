"""The tables of the schema `esb_relay`."""

from esb_relay.models.async_answers import AsyncAnswer, DeliveryStatus
from esb_relay.models.audit import AUDIT_TABLES, AuditCheckpoint, AuditEvent, AuditHead
from esb_relay.models.base import Base
from esb_relay.models.callbacks import (
    CallbackRoute,
    InboundEnvelope,
    InboundRequest,
    InboundStatus,
    TargetKind,
)
from esb_relay.models.events import OutboxEvent
from esb_relay.models.exchanges import Direction, Exchange, ExchangeMode, ExchangeStatus
from esb_relay.models.tokens import EsbToken

__all__ = [
    "AUDIT_TABLES",
    "AsyncAnswer",
    "AuditCheckpoint",
    "AuditEvent",
    "AuditHead",
    "Base",
    "CallbackRoute",
    "DeliveryStatus",
    "Direction",
    "EsbToken",
    "Exchange",
    "ExchangeMode",
    "ExchangeStatus",
    "InboundEnvelope",
    "InboundRequest",
    "InboundStatus",
    "OutboxEvent",
    "TargetKind",
]
