"""From event to person: rules and templates make messages, the outbox brings them where they go."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> "Flask":
    """The app of `flask --app notification`, loaded when asked for: many need a room of it."""
    from common.loading import loading

    with loading():
        from notification import command_line

    return command_line.create_app()
