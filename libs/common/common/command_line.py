"""The commands of `flask --app <service>`, each loaded when it is asked for.

A worker or a migration needs little of a service: most of what a process costs at its start is the
code that it loads.
"""

import pkgutil
from collections.abc import Mapping

import click
from flask.cli import AppGroup

from common.loading import loading


class Commands(AppGroup):
    """An app's `cli`: what was added to it, and commands by the places where they are.

    app.cli = Commands({"import-openhim": "proxy.openhim.command:import_openhim"})
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        super().__init__()
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all."""
        return sorted({*super().list_commands(ctx), *self._places})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, loaded now."""
        place = self._places.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        with loading():
            found: click.Command = pkgutil.resolve_name(place)
        return found
