"""The relay's pages in the console."""

from esb_relay.console import audit, exchanges, find, keys, overview, routes, workbench  # noqa: F401 - views
from esb_relay.console.blueprint import pages

__all__ = ["pages"]
