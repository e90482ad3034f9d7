"""HTTP: one vocabulary of outcomes, clients that raise it, and the server of the hot paths.

| module | for |
|---|---|
| `outcomes` | what a call to the outside can end in besides an answer |
| `client` | calls from threads: `requests` with mandatory time-outs |
| `connection`, `pool` | calls from an event loop, to the byte: send and read at once |
| `async_client` | the same as `client` for an event loop |
| `server`, `server_protocol` | requests of an event loop, read by llhttp |
"""

from common.http.client import HttpClient
from common.http.outcomes import NotSent, OutboundError, OutcomeUnknown, TimedOut, Timeouts

__all__ = ["HttpClient", "NotSent", "OutboundError", "OutcomeUnknown", "TimedOut", "Timeouts"]
