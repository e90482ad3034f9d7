"""The relay's part of the console, at `/admin/esb/…`."""

from common.console.pages import Pages

pages = Pages(__name__, "/admin/esb")
