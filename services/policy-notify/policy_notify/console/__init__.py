"""The service's pages in the console."""

from policy_notify.console import families, overview, policies, report, runs  # noqa: F401 - views
from policy_notify.console.blueprint import pages

__all__ = ["pages"]
