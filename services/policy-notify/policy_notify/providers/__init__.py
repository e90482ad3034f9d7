"""The providers: each takes one message at a time and says what became of it."""

from policy_notify.providers.base import Message, Provider

__all__ = ["Message", "Provider"]
