"""Which modules this openIMIS is made of."""

import os

#: Each module comes after those that it needs.
MODULES = (
    "core",
    "location",
    "medical",
    "medical_pricelist",
    "product",
    "calculation",
    "contribution_plan",
    "insuree",
    "policy",
    "payer",
    "contribution",
    "claim",
    "claim_batch",
    "report",
    "invoice",
)


def openimis_apps() -> list[str]:
    """The modules' names; `OPENIMIS_MODULES` adds some."""
    added = os.environ.get("OPENIMIS_MODULES", "")
    return [*MODULES, *filter(None, added.split(","))]
