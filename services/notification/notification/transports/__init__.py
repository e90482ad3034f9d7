"""The transports: SMTP, and SMS providers behind one interface."""

from notification.transports.base import Message, Outcome, Part, Result, Sender, Transport

__all__ = ["Message", "Outcome", "Part", "Result", "Sender", "Transport"]
