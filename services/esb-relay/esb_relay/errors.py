"""What can go wrong in the relay, in the words of the protocol. None of these knows HTTP.

EsbRelayError
├── MalformedText            not JSON, or not the XML that GovESB uses
├── MalformedEnvelope        received, but no envelope this relay can read
├── BadSignature             a readable envelope that none of the given keys vouches for
├── UnsendableBody           a body or code that no GovESB envelope can carry unchanged
├── BadCiphertext            not encrypted for this key, or altered on the way
└── KeyProblem
    ├── UnreadableKey        no file, no known encoding, or not the kind of key expected
    ├── UnsupportedCurve     an elliptic curve (or algorithm) GovESB does not use
    └── KeyFileExposed       a private key's file that others may read

Messages name positions, members and reasons; never a body, a key or a signature.
"""


class EsbRelayError(Exception):
    """Anything the relay refuses or cannot do."""


class MalformedText(EsbRelayError):
    """The text is not JSON, or not the XML that GovESB uses."""


class MalformedEnvelope(EsbRelayError):
    """What was received is not an envelope this relay can read."""


class BadSignature(EsbRelayError):
    """No given key vouches for any spelling of the envelope's `data`."""


class UnsendableBody(EsbRelayError):
    """The body or code cannot be carried unchanged by a GovESB envelope."""


class BadCiphertext(EsbRelayError):
    """The ciphertext was not made for this key, or was altered on the way."""


class KeyProblem(EsbRelayError):
    """A key cannot be used."""


class UnreadableKey(KeyProblem):
    """The value is no key in any encoding the relay knows, nor a file that holds one."""


class UnsupportedCurve(KeyProblem):
    """The key is not on secp256k1, secp256r1 or secp521r1."""


class KeyFileExposed(KeyProblem):
    """A private key's file may be read by its group or by everybody."""
