"""Families told in time: consent, six kinds of message in a policy's life, and who can be told."""

from policy_notify.app import create_app

__all__ = ["create_app"]
