"""The questions to openIMIS's database: one per kind, in batches by its integer key, plain SELECTs.

Integer keys are joined to uuids where they are, in the database. What is read has our kinds'
field names; see `translation` for what becomes of the values.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, FromClause, Select, Table, or_, select

from policy_notify.openimis.tables import (
    CONSENTS,
    FAMILIES,
    INDICATION_DETAILS,
    INDICATIONS,
    INSUREES,
    LOCATIONS,
    OFFICERS,
    POLICIES,
    PRODUCTS,
)

#: Each notification type's column.
SENT_COLUMNS = {
    "activation_of_policy": "NotificationOnActivationSent",
    "starting_of_policy": "NotificationOnEffectiveSent",
    "need_for_renewal": "NotificationBeforeExpirySent",
    "expiration_of_policy": "NotificationOnExpirationSent",
    "reminder_after_expiration": "NotificationAfterExpirationSent",
    "renewal_of_policy": "NotificationOnRenewalSent",
}
#: openIMIS tries these again.
FAILED = 4


@dataclass(frozen=True)
class Source:
    """Where a kind's records come from.

    `key`: the integer that batches go by. `uuid`: what we know a record by. `fields`: our name of
    each other column that is read. `joined`: the tables that give references their uuids.
    """

    kind: str
    table: Table
    key: Column[Any]
    uuid: Column[Any]
    fields: dict[str, Any]
    joined: list[tuple[FromClause, Any]] = field(default_factory=list)
    is_optional: bool = False

    def batch(self, after: int, limit: int, since: datetime | None) -> Select[Any]:
        """Up to `limit` records whose key is above `after`; `since`: changed from then on."""
        joined: FromClause = self.table
        for other, on in self.joined:
            joined = joined.outerjoin(other, on)
        query = select(self.key.label("key"), self.uuid.label("uuid"), *self._labelled())
        query = query.select_from(joined).where(self.key > after)
        if "LegacyID" in self.table.c:
            query = query.where(self.table.c.LegacyID.is_(None))
        if since is not None:
            began, ended = self.table.c.ValidityFrom, self.table.c.ValidityTo
            query = query.where(or_(began >= since, ended >= since))
        return query.order_by(self.key).limit(limit)

    def _labelled(self) -> list[Any]:
        validity = {"validity_from": "ValidityFrom", "validity_to": "ValidityTo"}
        columns = {name: self.table.c[column] for name, column in validity.items()}
        return [column.label(name) for name, column in {**columns, **self.fields}.items()]


def _own(table: Table, **names: str) -> dict[str, Any]:
    return {name: table.c[column] for name, column in names.items()}


def _sources() -> list[Source]:
    parents, conversions = LOCATIONS.alias("parents"), PRODUCTS.alias("conversions")
    return [
        Source(
            "locations",
            LOCATIONS,
            LOCATIONS.c.LocationId,
            LOCATIONS.c.LocationUUID,
            {
                **_own(LOCATIONS, code="LocationCode", name="LocationName", level="LocationType"),
                "parent": parents.c.LocationUUID,
            },
            [(parents, parents.c.LocationId == LOCATIONS.c.ParentLocationId)],
        ),
        Source(
            "officers",
            OFFICERS,
            OFFICERS.c.OfficerID,
            OFFICERS.c.OfficerUUID,
            _own(OFFICERS, code="Code", last_name="LastName", other_names="OtherNames"),
        ),
        Source(
            "products",
            PRODUCTS,
            PRODUCTS.c.ProdID,
            PRODUCTS.c.ProdUUID,
            {
                **_own(PRODUCTS, code="ProductCode", name="ProductName"),
                "conversion_product": conversions.c.ProdUUID,
            },
            [(conversions, conversions.c.ProdID == PRODUCTS.c.ConversionProdID)],
        ),
        Source(
            "families",
            FAMILIES,
            FAMILIES.c.FamilyID,
            FAMILIES.c.FamilyUUID,
            {"location": LOCATIONS.c.LocationUUID, "head": INSUREES.c.InsureeUUID},
            [
                (LOCATIONS, LOCATIONS.c.LocationId == FAMILIES.c.LocationId),
                (INSUREES, INSUREES.c.InsureeID == FAMILIES.c.InsureeID),
            ],
        ),
        Source(
            "insurees",
            INSUREES,
            INSUREES.c.InsureeID,
            INSUREES.c.InsureeUUID,
            {
                **_own(
                    INSUREES,
                    chf_id="CHFID",
                    last_name="LastName",
                    other_names="OtherNames",
                    phone="Phone",
                ),
                "family": FAMILIES.c.FamilyUUID,
            },
            [(FAMILIES, FAMILIES.c.FamilyID == INSUREES.c.FamilyID)],
        ),
        _policies(),
        Source(
            "consents",
            CONSENTS,
            CONSENTS.c.FamilyID,
            FAMILIES.c.FamilyUUID,
            _own(CONSENTS, approval="ApprovalOfSMS", language="LanguageOfSMS"),
            [(FAMILIES, FAMILIES.c.FamilyID == CONSENTS.c.FamilyID)],
            is_optional=True,
        ),
        Source(
            "indications",
            INDICATIONS,
            INDICATIONS.c.PolicyID,
            POLICIES.c.PolicyUUID,
            _own(INDICATIONS, **SENT_COLUMNS),
            [(POLICIES, POLICIES.c.PolicyID == INDICATIONS.c.PolicyID)],
            is_optional=True,
        ),
    ]


def _policies() -> Source:
    return Source(
        "policies",
        POLICIES,
        POLICIES.c.PolicyID,
        POLICIES.c.PolicyUUID,
        {
            **_own(
                POLICIES,
                status="PolicyStatus",
                stage="PolicyStage",
                amount_to_be_paid="PolicyValue",
                enroll_date="EnrollDate",
                start_date="StartDate",
                effective_date="EffectiveDate",
                expiry_date="ExpiryDate",
            ),
            "family": FAMILIES.c.FamilyUUID,
            "product": PRODUCTS.c.ProdUUID,
            "officer": OFFICERS.c.OfficerUUID,
        },
        [
            (FAMILIES, FAMILIES.c.FamilyID == POLICIES.c.FamilyID),
            (PRODUCTS, PRODUCTS.c.ProdID == POLICIES.c.ProdID),
            (OFFICERS, OFFICERS.c.OfficerID == POLICIES.c.OfficerID),
        ],
    )


#: All kinds, each after what it points at.
SOURCES = _sources()


def failed_attempts(first: int, last: int) -> Select[Any]:
    """(policy's key, type) of what openIMIS could not send, and would try again."""
    details = INDICATION_DETAILS.c
    return select(details.indicationID, details.notification_type).where(
        details.indicationID.between(first, last),
        details.Status == FAILED,
        details.ValidityTo.is_(None),
    )
