"""What a relay process is made of, built once by `create_app` and found again in every request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from common.database import Database
from common.doorbell import Bell
from flask import current_app

from esb_relay.callbacks.receiving import Receiver
from esb_relay.callbacks.targets import Targets
from esb_relay.config import Settings
from esb_relay.engine.exchanger import Exchanger
from esb_relay.keyring import Keyring
from esb_relay.relaying import Relay

#: The doorbell of the relay's workers.
BELL = "esb_relay.work"


@dataclass(frozen=True)
class Parts:
    """The long-lived objects of a process. `offload` keeps a blocking driver off the event loop."""

    settings: Settings
    database: Database
    offload: Callable[[Callable[[], Any]], Any]
    keyring: Keyring
    exchanger: Exchanger
    relay: Relay
    targets: Targets
    receiver: Receiver
    bell: Bell


def parts() -> Parts:
    """The parts of the current app."""
    found: Parts = current_app.extensions["esb-relay"]
    return found
