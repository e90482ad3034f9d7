"""From event to person: rules and templates make messages, the outbox brings them where they go."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.web.tokens import KeySource
    from flask import Flask

    from notification.config import Settings


def create_app(settings: "Settings | None" = None, keys: "KeySource | None" = None) -> "Flask":
    """The service's WSGI application, loaded when asked for: other processes need only a room."""
    from common.loading import loading

    with loading():
        from notification import app

    return app.create_app(settings, keys)
