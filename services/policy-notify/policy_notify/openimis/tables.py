"""openIMIS's tables, as far as we read them. Names are those of its database, on every server.

`LegacyID` marks history: a row that was superseded, kept under another key.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
)

METADATA = MetaData()
#: What openIMIS writes where it decided about a message and sent none.
NEVER = "0001-01-01"


def _validity() -> tuple[Column[object], ...]:
    return Column("ValidityFrom", DateTime), Column("ValidityTo", DateTime)


def _versioned() -> tuple[Column[object], ...]:
    return Column("LegacyID", Integer), *_validity()


LOCATIONS = Table(
    "tblLocations",
    METADATA,
    Column("LocationId", Integer, primary_key=True),
    Column("LocationUUID", String(36)),
    Column("LocationCode", String(50)),
    Column("LocationName", String(50)),
    Column("LocationType", String(1)),
    Column("ParentLocationId", Integer),
    *_versioned(),
)
OFFICERS = Table(
    "tblOfficer",
    METADATA,
    Column("OfficerID", Integer, primary_key=True),
    Column("OfficerUUID", String(36)),
    Column("Code", String(50)),
    Column("LastName", String(100)),
    Column("OtherNames", String(100)),
    *_versioned(),
)
PRODUCTS = Table(
    "tblProduct",
    METADATA,
    Column("ProdID", Integer, primary_key=True),
    Column("ProdUUID", String(36)),
    Column("ProductCode", String(8)),
    Column("ProductName", String(100)),
    Column("ConversionProdID", Integer),
    *_versioned(),
)
FAMILIES = Table(
    "tblFamilies",
    METADATA,
    Column("FamilyID", Integer, primary_key=True),
    Column("FamilyUUID", String(36)),
    Column("InsureeID", Integer),
    Column("LocationId", Integer),
    *_versioned(),
)
INSUREES = Table(
    "tblInsuree",
    METADATA,
    Column("InsureeID", Integer, primary_key=True),
    Column("InsureeUUID", String(36)),
    Column("FamilyID", Integer),
    Column("CHFID", String(50)),
    Column("LastName", String(100)),
    Column("OtherNames", String(100)),
    Column("Phone", String(50)),
    *_versioned(),
)
POLICIES = Table(
    "tblPolicy",
    METADATA,
    Column("PolicyID", Integer, primary_key=True),
    Column("PolicyUUID", String(36)),
    Column("FamilyID", Integer),
    Column("ProdID", Integer),
    Column("OfficerID", Integer),
    Column("PolicyStatus", SmallInteger),
    Column("PolicyStage", String(1)),
    Column("PolicyValue", Numeric(18, 2)),
    Column("EnrollDate", Date),
    Column("StartDate", Date),
    Column("EffectiveDate", Date),
    Column("ExpiryDate", Date),
    *_versioned(),
)
CONSENTS = Table(
    "tblFamilySMS",
    METADATA,
    Column("FamilyID", Integer, primary_key=True),
    Column("ApprovalOfSMS", Boolean),
    Column("LanguageOfSMS", String(5)),
    *_validity(),
)
INDICATIONS = Table(
    "tblIndicationOfPolicyNotifications",
    METADATA,
    Column("PolicyID", Integer, primary_key=True),
    Column("NotificationOnActivationSent", DateTime),
    Column("NotificationOnEffectiveSent", DateTime),
    Column("NotificationBeforeExpirySent", DateTime),
    Column("NotificationOnExpirationSent", DateTime),
    Column("NotificationAfterExpirationSent", DateTime),
    Column("NotificationOnRenewalSent", DateTime),
    *_validity(),
)
INDICATION_DETAILS = Table(
    "tblIndicationOfPolicyNotificationsDetails",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("indicationID", Integer),
    Column("notification_type", String(255)),
    Column("Status", SmallInteger),
    *_validity(),
)
