"""From event to person: rules and templates make messages, the outbox brings them where they go."""

from notification.app import create_app

__all__ = ["create_app"]
