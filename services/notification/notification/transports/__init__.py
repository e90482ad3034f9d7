"""The ways out: SMTP, and SMS providers behind one interface."""

from notification.transports.base import Message, Outcome, Result, Sender, Transport

__all__ = ["Message", "Outcome", "Result", "Sender", "Transport"]
