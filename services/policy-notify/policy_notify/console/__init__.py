"""The service's pages in the console."""

from policy_notify.console import (  # noqa: F401 - views
    audit,
    dead_letters,
    families,
    find,
    overview,
    payments,
    policies,
    report,
    runs,
)
from policy_notify.console.blueprint import pages

__all__ = ["pages"]
