"""The channel proxy: authenticates external systems, routes their calls, records every one."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from proxy.config import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """The service's WSGI application, loaded when asked for: other processes need only a room."""
    from common.loading import loading

    with loading():
        from proxy import app

    return app.create_app(settings)
