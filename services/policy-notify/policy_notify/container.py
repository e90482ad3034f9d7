"""What a process of this service is made of, built once by `create_app`."""

from dataclasses import dataclass

from common.db.database import Database
from common.db.sealed_types import ColumnSealer
from common.jobs.wake_up import WakeUp
from flask import current_app

from policy_notify.config import Settings
from policy_notify.providers import Provider
from policy_notify.texts.catalogue import Texts

#: The queue that wakes a worker for a run that somebody asked for.
WAKE_UP_QUEUE = "policy-notify.runs"


@dataclass(frozen=True)
class Container:
    """The long-lived objects of a process."""

    settings: Settings
    database: Database
    #: What seals and opens the database's columns.
    columns: ColumnSealer
    texts: Texts
    providers: tuple[Provider, ...]
    wake_up: WakeUp


def container() -> Container:
    """The container of the current app."""
    found: Container = current_app.extensions["policy-notify"]
    return found
