"""The ESB signing relay: speaks GovESB's signed protocol for the rest of the hub."""

from esb_relay.app import create_app

__all__ = ["create_app"]
