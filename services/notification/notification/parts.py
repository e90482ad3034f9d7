"""What a process of this service is made of, built once by `create_app`."""

from collections.abc import Mapping
from dataclasses import dataclass

from common.database import Database
from common.doorbell import Bell
from flask import current_app

from notification.config import Settings
from notification.models import ChannelCode
from notification.outbox.engine import Outbox
from notification.transports import Transport

#: The queue that wakes a worker for new messages.
BELL = "notification.outbox"


@dataclass(frozen=True)
class Parts:
    """The long-lived objects of a process."""

    settings: Settings
    database: Database
    transports: Mapping[ChannelCode, Transport]
    outbox: Outbox
    bell: Bell


def parts() -> Parts:
    """The parts of the current app."""
    found: Parts = current_app.extensions["notification"]
    return found
