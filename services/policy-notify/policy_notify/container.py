"""What a process of this service is made of, built once and found again in every request."""

from dataclasses import dataclass

from common.db.database import Database, open_engine
from common.db.sealed_types import ColumnSealer, column_sealer, seals_columns
from common.jobs.broker import open_broker
from common.jobs.wake_up import WakeUp
from flask import current_app

from policy_notify.config import SCHEMA, Settings
from policy_notify.providers import Provider
from policy_notify.providers.build import build_providers
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


def build_container(settings: Settings) -> Container:
    """The container of a process with these settings; opens no connection."""
    database, columns = Database(open_engine(settings, SCHEMA)), column_sealer(settings)
    seals_columns(database, columns)
    return Container(
        settings=settings,
        database=database,
        columns=columns,
        texts=Texts.load(settings.languages, settings.texts_dir),
        providers=build_providers(settings),
        wake_up=WakeUp(lambda: open_broker(settings), WAKE_UP_QUEUE),
    )


def container() -> Container:
    """The container of the current app."""
    found: Container = current_app.extensions["policy-notify"]
    return found
