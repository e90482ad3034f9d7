"""What a relay process is made of, built once and found again in every request."""

from dataclasses import dataclass

from common.db.database import Database, open_engine
from common.db.reader import Reader
from common.db.sealed_texts import TextSealer, seals_texts
from common.jobs.broker import open_broker
from common.jobs.wake_up import WakeUp
from common.sealing import KeyFolder, Sealer
from flask import current_app

from esb_relay.callbacks.targets import Targets
from esb_relay.config import SCHEMA, Settings
from esb_relay.engine.exchange_log import ExchangeWriter
from esb_relay.engine.exchanger import Exchanger
from esb_relay.engine.token_server import TokenServer
from esb_relay.engine.tokens import EsbTokens
from esb_relay.keys.keyring import Keyring

#: The wake-up of the relay's workers.
WAKE_UP_QUEUE = "esb_relay.work"


@dataclass(frozen=True)
class Container:
    """What every process has."""

    settings: Settings
    database: Database
    keyring: Keyring
    wake_up: WakeUp
    texts: TextSealer


@dataclass(frozen=True)
class Engine:
    """What speaks to the outside, on an event loop: in the gateway and in the worker."""

    exchanger: Exchanger
    targets: Targets


def build_container(settings: Settings) -> Container:
    """The container of a process with these settings; opens no connection."""
    database = Database(open_engine(settings, SCHEMA))
    texts = TextSealer(Sealer(KeyFolder(settings.seal_keys_folder)), settings.seal_bodies)
    seals_texts(database, texts)
    return Container(
        settings=settings,
        database=database,
        texts=texts,
        keyring=Keyring(settings),
        wake_up=WakeUp(lambda: open_broker(settings), WAKE_UP_QUEUE),
    )


def build_engine(container: Container, reader: Reader, writer: ExchangeWriter) -> Engine:
    """What a process needs to make exchanges and to ask targets."""
    tokens = EsbTokens(
        container.settings, container.database, TokenServer(container.settings), reader
    )
    return Engine(
        exchanger=Exchanger(container.settings, container.keyring, tokens, writer, container.texts),
        targets=Targets(container.settings),
    )


def container() -> Container:
    """The container of the current app."""
    found: Container = current_app.extensions["esb-relay"]
    return found
