"""The ESB signing relay: speaks GovESB's signed protocol for the rest of the hub."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from esb_relay.config import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """The service's WSGI application, loaded when asked for: other processes need only a room."""
    from common.loading import loading

    with loading():
        from esb_relay import app

    return app.create_app(settings)
