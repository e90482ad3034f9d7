"""The tables of the schema `policy_notify`."""

from policy_notify.models.audit import AUDIT_TABLES, AuditCheckpoint, AuditEvent, AuditHead
from policy_notify.models.base import Base
from policy_notify.models.consents import FamilyConsent, WaitingConsent
from policy_notify.models.indications import (
    Delivery,
    Indication,
    IndicationDetails,
    IndicationStatus,
    NotificationType,
)
from policy_notify.models.payments import PaymentEvent, PaymentNotice, PaymentText
from policy_notify.models.read_model import (
    Family,
    Insuree,
    Location,
    LocationLevel,
    Officer,
    Policy,
    PolicyStage,
    PolicyStatus,
    Product,
    ProductSuccession,
)
from policy_notify.models.runs import Run, RunLease, RunStatus, SeenEvent
from policy_notify.models.sync import SyncProgress, SyncState

__all__ = [
    "AUDIT_TABLES",
    "AuditCheckpoint",
    "AuditEvent",
    "AuditHead",
    "Base",
    "Delivery",
    "Family",
    "FamilyConsent",
    "Indication",
    "IndicationDetails",
    "IndicationStatus",
    "Insuree",
    "Location",
    "LocationLevel",
    "NotificationType",
    "Officer",
    "PaymentEvent",
    "PaymentNotice",
    "PaymentText",
    "Policy",
    "PolicyStage",
    "PolicyStatus",
    "Product",
    "ProductSuccession",
    "Run",
    "RunLease",
    "RunStatus",
    "SeenEvent",
    "SyncProgress",
    "SyncState",
    "WaitingConsent",
]
