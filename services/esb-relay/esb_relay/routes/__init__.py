"""The relay's addresses."""

from flask_smorest import Api

from esb_relay.routes import crypto, exchanges, keys, relay


def register_routes(api: Api) -> None:
    """Put every route of this package into `api`'s app and document."""
    for module in (relay, crypto, exchanges, keys):
        api.register_blueprint(module.blp)
