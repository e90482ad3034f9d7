"""The service's pages in the console."""

from notification.console import (  # noqa: F401 - their views join `pages`
    audit,
    campaigns,
    costs,
    dead_letters,
    e_mail,
    events,
    find,
    inbox,
    outbox,
    overview,
    preferences,
    reach,
    rules,
    templates,
    webhooks,
    why,
)
from notification.console.blueprint import pages

__all__ = ["pages"]
