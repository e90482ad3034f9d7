"""The ESB signing relay: speaks GovESB's signed protocol for the rest of the hub."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> "Flask":
    """The app of `flask --app esb_relay`, loaded when asked for: many need a room of it."""
    from common.loading import loading

    with loading():
        from esb_relay import command_line

    return command_line.create_app()
