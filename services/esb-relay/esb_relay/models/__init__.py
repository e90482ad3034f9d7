"""The tables of the schema `esb_relay`."""

from esb_relay.models.async_answers import AsyncAnswer, DeliveryStatus
from esb_relay.models.base import Base
from esb_relay.models.callbacks import CallbackRoute, InboundRequest, InboundStatus, TargetKind
from esb_relay.models.events import OutboxEvent
from esb_relay.models.exchanges import Direction, Exchange, ExchangeMode, ExchangeStatus
from esb_relay.models.tokens import EsbToken

__all__ = [
    "AsyncAnswer",
    "Base",
    "CallbackRoute",
    "DeliveryStatus",
    "Direction",
    "EsbToken",
    "Exchange",
    "ExchangeMode",
    "ExchangeStatus",
    "InboundRequest",
    "InboundStatus",
    "OutboxEvent",
    "TargetKind",
]
