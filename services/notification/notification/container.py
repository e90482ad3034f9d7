"""What a process of this service is made of, built once by `create_app`."""

from collections.abc import Mapping
from dataclasses import dataclass

from common.db.database import Database
from common.db.sealed_types import ColumnSealer
from common.jobs.wake_up import WakeUp
from flask import current_app

from notification.config import Settings
from notification.models import ChannelCode
from notification.outbox.engine import Outbox
from notification.outbox.receiving import ReceiptIntake
from notification.transports import Transport
from notification.webhooks.subscriptions import Targets

#: The queue that wakes a worker for new messages.
WAKE_UP_QUEUE = "notification.outbox"


@dataclass(frozen=True)
class Container:
    """The long-lived objects of a process."""

    settings: Settings
    database: Database
    #: What seals and opens the database's columns.
    columns: ColumnSealer
    transports: Mapping[ChannelCode, Transport]
    outbox: Outbox
    receipts: ReceiptIntake
    #: None: nothing seals their secrets.
    webhooks: Targets | None
    wake_up: WakeUp


def container() -> Container:
    """The container of the current app."""
    found: Container = current_app.extensions["notification"]
    return found
