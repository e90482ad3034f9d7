"""Families notified in time: consent, six kinds of message about a policy, and a report."""

from policy_notify.app import create_app

__all__ = ["create_app"]
