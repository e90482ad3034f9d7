"""The kinds of record: their table, their schema, and what they point at."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy.sql.elements import NamedColumn

from policy_notify.intake import records
from policy_notify.models import (
    Base,
    Family,
    FamilyConsent,
    Indication,
    Insuree,
    Location,
    Officer,
    Policy,
    Product,
)

#: Columns that no record fills.
_OUR_OWN = frozenset({"erased_at", "revision"})


@dataclass(frozen=True)
class Kind:
    """One kind; `references` maps fields to the name of the kind they point at.

    `key` is the field that records are distinguished by. `is_merged`: what is known stays, and a
    record adds to it; else it replaces the one before as a whole.
    """

    name: str
    model: type[Base]
    schema: records.Record
    references: Mapping[str, str]
    key: str = "uuid"
    is_merged: bool = False

    @cached_property
    def columns(self) -> Mapping[str, NamedColumn[Any]]:
        """The table's columns by the names of the fields that a record fills."""
        attributes = self.model.__mapper__.column_attrs
        columns = {one.key: one.columns[0] for one in attributes}
        return {name: of for name, of in columns.items() if name not in _OUR_OWN}


_ALL = (
    Kind("locations", Location, records.LocationRecord(), {"parent": "locations"}),
    Kind("officers", Officer, records.OfficerRecord(), {}),
    Kind("products", Product, records.ProductRecord(), {"conversion_product": "products"}),
    Kind(
        "families",
        Family,
        records.FamilyRecord(),
        {"location": "locations", "head": "insurees"},
    ),
    Kind("insurees", Insuree, records.InsureeRecord(), {"family": "families"}),
    Kind(
        "policies",
        Policy,
        records.PolicyRecord(),
        {"family": "families", "product": "products", "officer": "officers"},
    ),
    Kind("consents", FamilyConsent, records.ConsentRecord(), {"family": "families"}, "family"),
    Kind(
        "indications",
        Indication,
        records.IndicationRecord(),
        {"policy": "policies"},
        "policy",
        is_merged=True,
    ),
)

#: All kinds by name, in an order in which each comes after most of what it points at.
KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}


def table_of(name: str) -> Any:
    """The model of kind `name`; its columns are used by name."""
    return KINDS[name].model
