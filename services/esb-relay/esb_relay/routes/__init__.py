"""The relay's addresses."""

from flask_smorest import Api

from esb_relay.routes import (
    async_responses,
    audit,
    callback_routes,
    crypto,
    exchanges,
    keys,
)
from esb_relay.routes.inbound import describe_inbound
from esb_relay.routes.relay import describe_relay


def register_routes(api: Api) -> None:
    """Put every route of this package into `api`'s app and document."""
    describe_relay(api)
    for module in (crypto, exchanges, keys, callback_routes, async_responses, audit):
        api.register_blueprint(module.blp)
    describe_inbound(api)
