"""The six kinds of record: their table, their schema, and what they point at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy_notify.models import Base, Family, Insuree, Location, Officer, Policy, Product
from policy_notify.schemas import read_model as schemas
from policy_notify.schemas.fields import Schema


@dataclass(frozen=True)
class Kind:
    """One kind; `references` maps fields to the name of the kind they point at."""

    name: str
    model: type[Base]
    schema: Schema
    references: Mapping[str, str]


_ALL = (
    Kind("locations", Location, schemas.LocationRecord(), {"parent": "locations"}),
    Kind("officers", Officer, schemas.OfficerRecord(), {}),
    Kind("products", Product, schemas.ProductRecord(), {"conversion_product": "products"}),
    Kind(
        "families",
        Family,
        schemas.FamilyRecord(),
        {"location": "locations", "head": "insurees"},
    ),
    Kind("insurees", Insuree, schemas.InsureeRecord(), {"family": "families"}),
    Kind(
        "policies",
        Policy,
        schemas.PolicyRecord(),
        {"family": "families", "product": "products", "officer": "officers"},
    ),
)

#: All kinds by name, in an order in which each comes after most of what it points at.
KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}


def table_of(name: str) -> Any:
    """The model of kind `name`; its columns are used by name."""
    return KINDS[name].model
