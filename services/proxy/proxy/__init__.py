"""The channel proxy: authenticates external systems, routes their calls, records every one."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> "Flask":
    """The app of `flask --app proxy`, loaded when asked for: many need a room of it."""
    from common.loading import loading

    with loading():
        from proxy import command_line

    return command_line.create_app()
