"""What a proxy process is made of, built once by `create_app` and found again in every request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.database import Database
from common.doorbell import Bell
from flask import current_app

from proxy.call_grants import CallGrants
from proxy.config import Settings
from proxy.gateway.esb import EsbRelay
from proxy.sealing import Sealer
from proxy.secrets import SecretChecker
from proxy.signing import TokenSigner
from proxy.tail import Tail

if TYPE_CHECKING:
    from proxy.gateway.gateway import Gateway


@dataclass(frozen=True)
class Parts:
    """The long-lived objects of a process."""

    settings: Settings
    database: Database
    secrets: SecretChecker
    signer: TokenSigner
    sealer: Sealer
    bell: Bell
    esb_relay: EsbRelay
    tail: Tail
    grants: CallGrants


def parts() -> Parts:
    """The parts of the current app."""
    found: Parts = current_app.extensions["proxy"]
    return found


def gateway() -> Gateway:
    """The gateway of the current app."""
    found: Gateway = current_app.extensions["proxy-gateway"]
    return found
