"""Kiungo's APIs: `Kiungo(url, ClientCredentials(…)).proxy.channels_get()`."""

from kiungo_client.client import Kiungo
from kiungo_client.errors import KiungoError, NotSent, OutcomeUnknown, ProblemError
from kiungo_client.tokens import ClientCredentials, FixedToken

__all__ = [
    "ClientCredentials",
    "FixedToken",
    "Kiungo",
    "KiungoError",
    "NotSent",
    "OutcomeUnknown",
    "ProblemError",
]
