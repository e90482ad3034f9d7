"""The protocol's own words, stored and sent by value."""

from enum import StrEnum


class Mode(StrEnum):
    """Which of the engine's request kinds a call is."""

    NORMAL = "normal"  # asks an API for data: `apiCode`
    PUSH = "push"  # delivers data, cannot be repeated safely: `pushCode`
    NIDA = "nida"  # asks the national identity authority for a user: `apiCode`, `userId`


class Format(StrEnum):
    """How an envelope is written."""

    JSON = "json"
    XML = "xml"


class Root(StrEnum):
    """The XML element around an envelope; JSON envelopes have no name."""

    REQUEST = "esbrequest"
    RESPONSE = "esbresponse"


class Spelling(StrEnum):
    """The spelling of `data` that a signature was found to cover, in the order they are tried."""

    RAW = "raw"  # the bytes as received
    MINIFIED = "minified"  # without the white space between tokens
    CANONICAL = "canonical"  # as Java's Jackson writes the same value, or numbers as written
    ASCII = "ascii"  # non-ASCII characters escaped
