"""The channel proxy: authenticates external systems, routes their calls, records every one."""

from proxy.app import create_app

__all__ = ["create_app"]
