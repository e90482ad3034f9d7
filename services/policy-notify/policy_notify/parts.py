"""What a process of this service is made of, built once by `create_app`."""

from dataclasses import dataclass

from common.database import Database
from common.doorbell import Bell
from flask import current_app

from policy_notify.config import Settings
from policy_notify.providers import Provider
from policy_notify.texts import Texts

#: The queue that wakes a worker for a run that somebody asked for.
BELL = "policy-notify.runs"


@dataclass(frozen=True)
class Parts:
    """The long-lived objects of a process."""

    settings: Settings
    database: Database
    texts: Texts
    providers: tuple[Provider, ...]
    bell: Bell


def parts() -> Parts:
    """The parts of the current app."""
    found: Parts = current_app.extensions["policy-notify"]
    return found
