"""The tables of the schema `policy_notify`."""

from policy_notify.models.base import Base
from policy_notify.models.consent import FamilyConsent
from policy_notify.models.indications import (
    Delivery,
    Indication,
    IndicationDetails,
    IndicationStatus,
    NotificationType,
)
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

__all__ = [
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
    "Policy",
    "PolicyStage",
    "PolicyStatus",
    "Product",
    "ProductSuccession",
    "Run",
    "RunLease",
    "RunStatus",
    "SeenEvent",
]
