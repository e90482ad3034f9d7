"""The gateway's process: settings in, an application for `common.http.server` out.

gunicorn -c python:common.web.gunicorn_conf 'proxy.gateway.app:create_gateway()'
"""

from common.logs import configure_logging
from common.settings import process_environment
from common.tracing import configure_tracing

from proxy.config import Settings
from proxy.container import build_container
from proxy.gateway.gateway import Gateway
from proxy.gateway.own_paths import Front


def create_gateway(settings: Settings | None = None) -> Front:
    """The gateway; building it opens nothing."""
    settings = settings or Settings.read(process_environment())
    configure_logging("proxy-gateway", settings.log_level)
    configure_tracing("proxy-gateway", settings)
    container = build_container(settings)
    return Front(Gateway(container), container)
