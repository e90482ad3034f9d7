"""What a process of this service is made of, built once and found again in every request."""

from collections.abc import Mapping
from dataclasses import dataclass

from common.db.database import Database, open_engine
from common.db.sealed_types import ColumnSealer, column_sealer, seals_columns
from common.jobs.broker import open_broker
from common.jobs.wake_up import WakeUp
from flask import current_app

from notification.config import SCHEMA, Settings
from notification.models import ChannelCode
from notification.outbox.engine import Outbox
from notification.outbox.receiving import ReceiptIntake
from notification.transports import Transport
from notification.transports.build import build_transports
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


def build_container(settings: Settings) -> Container:
    """The container of a process with these settings; opens no connection."""
    database, columns = Database(open_engine(settings, SCHEMA)), column_sealer(settings)
    seals_columns(database, columns)
    receipts = ReceiptIntake(database, settings.sms_prices)
    seal = settings.webhook_seal
    webhooks = Targets(database, seal) if seal else None
    transports = build_transports(settings, receipts.takes_all, webhooks)
    return Container(
        settings=settings,
        database=database,
        columns=columns,
        transports=transports,
        outbox=Outbox(database, transports, settings.lease_s),
        receipts=receipts,
        webhooks=webhooks,
        wake_up=WakeUp(lambda: open_broker(settings), WAKE_UP_QUEUE),
    )


def container() -> Container:
    """The container of the current app."""
    found: Container = current_app.extensions["notification"]
    return found
