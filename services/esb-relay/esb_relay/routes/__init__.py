"""The relay's addresses."""

from flask_smorest import Api

from esb_relay.routes import (
    async_responses,
    callback_routes,
    crypto,
    exchanges,
    inbound,
    keys,
    relay,
)


def register_routes(api: Api) -> None:
    """Put every route of this package into `api`'s app and document."""
    for module in (relay, crypto, exchanges, keys, callback_routes, async_responses, inbound):
        api.register_blueprint(module.blp)
