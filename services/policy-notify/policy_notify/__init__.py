"""Families notified in time: consent, six kinds of message about a policy, and a report."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> "Flask":
    """The app of `flask --app policy_notify`, loaded when asked for: many need a room of it."""
    from common.loading import loading

    with loading():
        from policy_notify import command_line

    return command_line.create_app()
