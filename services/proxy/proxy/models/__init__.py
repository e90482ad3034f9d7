"""The tables of the schema `proxy`."""

from proxy.models.base import Base
from proxy.models.channels import (
    Channel,
    ChannelType,
    ExternalSystemRegistration,
    Mediator,
    RoutingVersion,
)
from proxy.models.clients import MAX_LIVE_SECRETS, CallGrant, Client, ClientSecret
from proxy.models.staff import EndedSession, LoginAttempt, StaffUser
from proxy.models.statistics import HourlyTally
from proxy.models.transactions import (
    FINAL_STATUSES,
    OPEN_STATUSES,
    AsyncCall,
    GatewayProcess,
    IdempotencyKey,
    Rejection,
    StoredRequest,
    Transaction,
    TransactionStatus,
)

__all__ = [
    "FINAL_STATUSES",
    "MAX_LIVE_SECRETS",
    "OPEN_STATUSES",
    "AsyncCall",
    "Base",
    "CallGrant",
    "Channel",
    "ChannelType",
    "Client",
    "ClientSecret",
    "EndedSession",
    "ExternalSystemRegistration",
    "GatewayProcess",
    "HourlyTally",
    "IdempotencyKey",
    "LoginAttempt",
    "Mediator",
    "Rejection",
    "RoutingVersion",
    "StaffUser",
    "StoredRequest",
    "Transaction",
    "TransactionStatus",
]
