"""Families notified in time: consent, six kinds of message about a policy, and a report."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.web.tokens import KeySource
    from flask import Flask

    from policy_notify.config import Settings


def create_app(settings: "Settings | None" = None, keys: "KeySource | None" = None) -> "Flask":
    """The service's WSGI application, loaded when asked for: other processes need only a room."""
    from common.loading import loading

    with loading():
        from policy_notify import app

    return app.create_app(settings, keys)
