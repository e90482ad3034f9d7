"""The service's part of the console, at `/admin/policy-notification/…`."""

from common.console.pages import Pages

pages = Pages(__name__, "/admin/policy-notification")
