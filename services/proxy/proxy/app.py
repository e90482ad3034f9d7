"""The application factory: settings in, a WSGI application out; building it opens nothing."""

from pathlib import Path

from common.api import register_api
from common.broker import open_broker
from common.console import assets
from common.console.pages import register_console
from common.database import Database, open_engine
from common.doorbell import Bell
from common.health import register_health
from common.logs import configure_logging
from common.metrics import register_metrics
from common.migrations.runner import Migrations, register_migrations
from common.offload import off_the_loop
from common.problems import register_problem_handlers
from common.requests_in import register_request_trail
from common.settings import process_environment
from common.tokens import TokenVerifier
from flask import Flask

from proxy import routing_version  # noqa: F401 - counts changes from the first session on
from proxy.async_calls import BELL
from proxy.call_grants import CallGrants
from proxy.commands import register_commands
from proxy.config import SCHEMA, Settings
from proxy.console import pages
from proxy.console.cookies import staff_of_cookie
from proxy.gateway.esb import EsbRelay
from proxy.gateway.gateway import Gateway
from proxy.models import Base
from proxy.parts import Parts
from proxy.routes import register_routes
from proxy.routes.client_credentials import register_refusals
from proxy.sealing import Sealer
from proxy.secrets import SecretChecker
from proxy.signing import TokenSigner
from proxy.tail import Tail

#: A token that the proxy makes for its own call to another service lives this long.
OWN_TOKEN_LIFETIME_S = 60
DESCRIPTION = (
    "Clients, mediators, channels, ESB registrations and the record of every call. "
    "Fetch an access token at `POST /oauth/token` and send it as `Authorization: Bearer …`."
)


def create_app(settings: Settings | None = None) -> Flask:
    """The proxy: Flask for the reserved paths, the gateway for every other one."""
    settings = settings or Settings.read(process_environment())
    configure_logging("proxy", settings.log_level)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = settings.request_body_max_bytes
    app.url_map.merge_slashes = False
    database = Database(open_engine(settings, SCHEMA))
    keys_dir = Path(settings.token_keys_dir or settings.var_dir / "keys" / "tokens")
    signer = TokenSigner(keys_dir)
    process = Parts(
        settings=settings,
        database=database,
        secrets=SecretChecker(offload=off_the_loop),
        signer=signer,
        sealer=Sealer(signer.storage_keys),
        bell=Bell(lambda: open_broker(settings), BELL),
        esb_relay=EsbRelay(
            settings.esb_relay_url,
            settings.esb_relay_timeout_s,
            lambda: signer.sign("kiungo-proxy", OWN_TOKEN_LIFETIME_S, scope="esb:relay"),
        ),
        tail=Tail(database),
        grants=CallGrants(database, signer.grant_keys),
    )
    app.extensions["proxy"] = process
    app.extensions["kiungo-tokens"] = TokenVerifier(signer)
    register_problem_handlers(app)
    register_refusals(app)
    register_request_trail(app)
    register_health(app, database.engine)
    register_metrics(app)
    register_migrations(
        app,
        Migrations(Base.metadata, database.engine, SCHEMA),
        Path(__file__).parent / "migrations",
    )
    register_routes(register_api(app, "proxy", "Kiungo channel proxy", description=DESCRIPTION))
    register_console(app, pages, settings, staff_of_cookie)
    app.register_blueprint(assets.files)
    register_commands(app)
    gateway = Gateway(process, app.wsgi_app)
    app.extensions["proxy-gateway"] = gateway
    app.wsgi_app = gateway  # type: ignore[method-assign]
    return app
