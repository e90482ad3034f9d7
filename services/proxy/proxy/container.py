"""What a proxy process is made of, built once and found again in every request."""

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from common import sealing
from common.db.database import Database, open_engine
from common.db.sealed_texts import seals_texts
from common.jobs.broker import open_broker
from common.jobs.wake_up import WakeUp
from flask import current_app

from proxy.access.call_grants import CallGrants
from proxy.access.client_tokens import ClientTokens
from proxy.access.mails import SCOPE as MAIL_SCOPE
from proxy.access.mails import Mails
from proxy.access.openid import OpenIdClient
from proxy.access.secrets import SecretChecker
from proxy.access.signing import TokenSigner
from proxy.access.throttle import Throttle
from proxy.config import SCHEMA, Settings
from proxy.gateway.async_calls import WAKE_UP_QUEUE
from proxy.gateway.esb import EsbRelay
from proxy.record import masks
from proxy.record.live_feed import LiveFeed
from proxy.record.sealing import Sealer

#: A token that the proxy makes for its own call to another service lives this long.
OWN_TOKEN_LIFETIME_S = 60


@dataclass(frozen=True)
class Container:
    """The long-lived objects of a process."""

    settings: Settings
    database: Database
    secrets: SecretChecker
    throttle: Throttle
    signer: TokenSigner
    sealer: Sealer
    wake_up: WakeUp
    esb_relay: EsbRelay
    live_feed: LiveFeed
    grants: CallGrants
    client_tokens: ClientTokens
    openid: OpenIdClient | None
    mails: Mails
    #: What need not be done before an answer leaves, and may be lost with the process.
    behind_answers: Executor

    def own_token(self, scope: str) -> str:
        """A token for a call of ours to another service."""
        return self.signer.sign("kiungo-proxy", OWN_TOKEN_LIFETIME_S, scope=scope)


def build_container(settings: Settings) -> Container:
    """The container of a process with these settings; opens no connection."""
    database = Database(open_engine(settings, SCHEMA))
    signer = TokenSigner(Path(settings.token_keys_dir or settings.var_dir / "keys" / "tokens"))
    core = sealing.Sealer(sealing.KeyFolder(settings.seal_keys_folder), signer.storage_keys)
    sealer = Sealer(core, seals_bodies=settings.seal_bodies)
    seals_texts(database, sealer.texts)
    masks.add(settings.masked_headers, settings.masked_parameters, settings.masked_paths)
    return Container(
        settings=settings,
        database=database,
        secrets=SecretChecker(),
        throttle=Throttle(),
        signer=signer,
        sealer=sealer,
        wake_up=WakeUp(lambda: open_broker(settings), WAKE_UP_QUEUE),
        esb_relay=EsbRelay(
            settings.esb_relay_url,
            settings.esb_relay_timeout_s,
            lambda: signer.sign("kiungo-proxy", OWN_TOKEN_LIFETIME_S, scope="esb:relay"),
        ),
        live_feed=LiveFeed(database),
        grants=CallGrants(database, signer.grant_keys),
        client_tokens=ClientTokens(signer.client_token_keys),
        openid=OpenIdClient(settings.openid, settings.outbound()) if settings.openid else None,
        mails=Mails(
            settings.notification_url,
            lambda: signer.sign("kiungo-proxy", OWN_TOKEN_LIFETIME_S, scope=MAIL_SCOPE),
        ),
        behind_answers=ThreadPoolExecutor(2, "behind-answers"),
    )


def container() -> Container:
    """The container of the current app."""
    found: Container = current_app.extensions["proxy"]
    return found
