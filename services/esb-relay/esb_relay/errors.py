"""What can go wrong in the relay, in the words of the protocol. None of these knows HTTP.

The statuses they answer with come from `common.web.problems`, by the class in brackets.

EsbRelayError (DomainError: the request cannot be read)
├── MalformedText            not JSON, or not the XML that GovESB uses
├── MalformedEnvelope        received, but no envelope this relay can read
├── BadSignature             a readable envelope that none of the given keys vouches for
├── UnsendableBody           a body or code that no GovESB envelope can carry unchanged (Invalid)
├── BadCiphertext            not encrypted for this key, or altered on the way (Invalid)
├── NoSuchKey                no key of this installation has that name (Invalid)
├── BadTarget                a callback route's target is not of the route's kind (Invalid)
├── UnknownRecord            an id or a name in a URL names nothing (NotFound)
├── AnsweredAlready          a `requestId` has another late answer (Conflict)
├── NotRecorded              the database cannot be written; says what was done (Unavailable)
├── MissingSetting           a call needs a setting that this installation lacks (Unavailable)
└── KeyProblem               (Unavailable)
    ├── UnreadableKey        no file, no known encoding, or not the kind of key expected
    ├── UnsupportedCurve     an elliptic curve (or algorithm) GovESB does not use
    ├── KeyFileExposed       a private key's file that others may read
    └── KeysApart            the configured public key is not the private one's

Messages name positions, members, settings and reasons; never a body, a key or a signature. How an
exchange with the bus ended is no error but an outcome (see `esb_relay.engine.outcomes`).
"""

from common.errors import Conflict, DomainError, Invalid, NotFound, Unavailable
from common.reasons import no_such
from common.texts import _


class EsbRelayError(DomainError):
    """Anything the relay refuses or cannot do."""


class MalformedText(EsbRelayError):
    """The text is not JSON, or not the XML that GovESB uses."""


class MalformedEnvelope(EsbRelayError):
    """What was received is not an envelope this relay can read."""


class BadSignature(EsbRelayError):
    """No given key vouches for any spelling of the envelope's `data`."""


class UnsendableBody(EsbRelayError, Invalid):
    """The body or code cannot be carried unchanged by a GovESB envelope."""


class BadCiphertext(EsbRelayError, Invalid):
    """The ciphertext was not made for this key, or was altered on the way."""


class NoSuchKey(EsbRelayError, Invalid):
    """No key of this installation has that name."""

    def __init__(self, field: str, name: str) -> None:
        reason = _("no key is called %(name)s", name=name[:80])
        super().__init__(f"{field}: {reason}", {field: [reason]})


class BadTarget(EsbRelayError, Invalid):
    """A callback route's target is not of the route's kind."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"target: {reason}", {"target": [reason]})


class UnknownRecord(EsbRelayError, NotFound):
    """An id or a name in a URL names nothing."""

    def __init__(self, kind: str) -> None:
        super().__init__(no_such(kind))


class AnsweredAlready(EsbRelayError, Conflict):
    """A `requestId` has another late answer."""


class NotRecorded(EsbRelayError, Unavailable):
    """The database cannot be written now; the message says what was done before."""


class MissingSetting(EsbRelayError, Unavailable):
    """A call needs a setting that this installation lacks."""

    def __init__(self, *variables: str) -> None:
        verb = "is" if len(variables) == 1 else "are"
        super().__init__(f"{', '.join(variables)} {verb} not set; this call needs it")


class KeyProblem(EsbRelayError, Unavailable):
    """A key cannot be used."""


class UnreadableKey(KeyProblem):
    """The value is no key in any encoding the relay knows, nor a file that holds one."""


class UnsupportedCurve(KeyProblem):
    """The key is not on secp256k1, secp256r1 or secp521r1."""


class KeyFileExposed(KeyProblem):
    """A private key's file may be read by its group or by everybody."""


class KeysApart(KeyProblem):
    """The configured public key does not belong to the private one."""
