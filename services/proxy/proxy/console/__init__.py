"""The console's pages at `/admin/…`, and the sessions that let staff in."""

from proxy.console import (  # noqa: F401 - their views join `pages`
    channels,
    clients,
    dashboard,
    door,
    live,
    match_trials,
    mediators,
    members,
    registrations,
    rejections,
    rerun_many,
    tester,
    transactions,
)
from proxy.console.blueprint import pages

__all__ = ["pages"]
