"""SMS: a small module per provider's dialect, one way to talk HTTP, and the chain of them."""

from notification.transports.sms.transport import SmsTransport

__all__ = ["SmsTransport"]
