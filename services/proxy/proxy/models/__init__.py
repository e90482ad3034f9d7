"""The tables of the schema `proxy`."""

from proxy.models.audit import AUDIT_TABLES, AuditCheckpoint, AuditEvent, AuditHead
from proxy.models.base import Base
from proxy.models.channel_versions import ChannelVersion
from proxy.models.channels import (
    USUAL_RESPONSE_RETENTION_DAYS,
    USUAL_RETRY_ATTEMPTS,
    Channel,
    ChannelType,
    ExternalSystemRegistration,
    Framing,
    ListenerState,
    Mediator,
    Poll,
    RoutingVersion,
)
from proxy.models.clients import MAX_LIVE_SECRETS, CallGrant, Client, ClientSecret
from proxy.models.former import FormerRecord
from proxy.models.reruns import RerunState, RerunTask, RerunTaskCall, Retry, TaskStatus
from proxy.models.shadows import Difference, ShadowDifference
from proxy.models.staff import (
    CustomRole,
    EndedSession,
    LoginAttempt,
    OpenSession,
    Passkey,
    PasswordReset,
    StaffUser,
    UsualPlace,
)
from proxy.models.statistics import ClientRollup, HourlyRollup
from proxy.models.transactions import (
    FINAL_STATUSES,
    OPEN_STATUSES,
    AsyncCall,
    GatewayProcess,
    IdempotencyKey,
    Rejection,
    StoredRequest,
    StoredResponse,
    Transaction,
    TransactionProperty,
    TransactionReport,
    TransactionStatus,
)

__all__ = [
    "AUDIT_TABLES",
    "FINAL_STATUSES",
    "MAX_LIVE_SECRETS",
    "OPEN_STATUSES",
    "USUAL_RESPONSE_RETENTION_DAYS",
    "USUAL_RETRY_ATTEMPTS",
    "AsyncCall",
    "AuditCheckpoint",
    "AuditEvent",
    "AuditHead",
    "Base",
    "CallGrant",
    "Channel",
    "ChannelType",
    "ChannelVersion",
    "Client",
    "ClientRollup",
    "ClientSecret",
    "CustomRole",
    "Difference",
    "EndedSession",
    "ExternalSystemRegistration",
    "FormerRecord",
    "Framing",
    "GatewayProcess",
    "HourlyRollup",
    "IdempotencyKey",
    "ListenerState",
    "LoginAttempt",
    "Mediator",
    "OpenSession",
    "Passkey",
    "PasswordReset",
    "Poll",
    "Rejection",
    "RerunState",
    "RerunTask",
    "RerunTaskCall",
    "Retry",
    "RoutingVersion",
    "ShadowDifference",
    "StaffUser",
    "StoredRequest",
    "StoredResponse",
    "TaskStatus",
    "Transaction",
    "TransactionProperty",
    "TransactionReport",
    "TransactionStatus",
    "UsualPlace",
]
