"""The tables of the schema `proxy`."""

from proxy.models.base import Base
from proxy.models.channels import (
    Channel,
    ChannelType,
    ExternalSystemRegistration,
    Mediator,
    RoutingVersion,
)
from proxy.models.clients import MAX_LIVE_SECRETS, Client, ClientSecret
from proxy.models.staff import EndedSession, LoginAttempt, StaffRole, StaffUser
from proxy.models.transactions import (
    FINAL_STATUSES,
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
    "AsyncCall",
    "Base",
    "Channel",
    "ChannelType",
    "Client",
    "ClientSecret",
    "EndedSession",
    "ExternalSystemRegistration",
    "GatewayProcess",
    "IdempotencyKey",
    "LoginAttempt",
    "Mediator",
    "Rejection",
    "RoutingVersion",
    "StaffRole",
    "StaffUser",
    "StoredRequest",
    "Transaction",
    "TransactionStatus",
]
