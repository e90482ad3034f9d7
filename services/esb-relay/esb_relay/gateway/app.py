"""The gateway's process: settings in, an application for `common.http.server` out.

gunicorn -c python:common.web.gunicorn_conf 'esb_relay.gateway.app:create_gateway()'
"""

from common.db.reader import Reader
from common.http.client import HttpClient
from common.http.outcomes import Timeouts
from common.logs import configure_logging, get_logger
from common.settings import process_environment
from common.tracing import configure_tracing
from common.web.tokens import JwksKeys, TokenVerifier

from esb_relay.callbacks.receiving import Receiver
from esb_relay.config import Settings
from esb_relay.container import build_container, build_engine
from esb_relay.engine.exchange_log import ExchangeWriter
from esb_relay.engine.relaying import Relay
from esb_relay.gateway.gateway import Gateway

log = get_logger(__name__)


def create_gateway(settings: Settings | None = None) -> Gateway:
    """The gateway; building it opens nothing."""
    settings = settings or Settings.read(process_environment())
    configure_logging("esb-relay-gateway", settings.log_level)
    configure_tracing("esb-relay-gateway", settings)
    container, reader = build_container(settings), Reader()
    writer = ExchangeWriter(container.database.engine)
    engine = build_engine(container, reader, writer)
    for trouble in container.keyring.troubles():
        log.warning("key_unusable", reason=trouble)
    keys = JwksKeys(f"{settings.proxy_url}/.well-known/jwks.json", HttpClient(Timeouts()))
    return Gateway(
        container,
        engine,
        reader,
        TokenVerifier(keys),
        Relay(settings, container.keyring, engine.exchanger),
        Receiver(
            settings,
            container.database,
            container.keyring,
            engine.targets,
            reader,
            container.wake_up.send,
        ),
    )
