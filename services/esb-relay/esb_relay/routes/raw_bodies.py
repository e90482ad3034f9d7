"""Bodies that are taken and given as bytes, as the document describes them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

JSON, XML, BYTES = "application/json", "application/xml", "application/octet-stream"

BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
ANYTHING: dict[str, Any] = {}
#: The protocol's own message; what it holds is signed as it is spelled.
ENVELOPE: dict[str, Any] = {
    "type": "object",
    "required": ["data", "signature"],
    "properties": {"data": {"type": "object"}, "signature": {"type": "string"}},
}
ENVELOPES = {JSON: ENVELOPE, XML: BINARY}

#: What "Try it out" sends: a body to be signed, any bytes, and an envelope with a signature that
#: is nobody's.
BODY_EXAMPLES = {
    JSON: {"nin": "19900101-14121-00001-23"},
    XML: "<nin>19900101-14121-00001-23</nin>",
}
BYTES_EXAMPLES = {**BODY_EXAMPLES, BYTES: "any bytes"}
_CALL = {"requestId": "demo-1", "esbBody": BODY_EXAMPLES[JSON]}
ENVELOPE_EXAMPLES = {
    JSON: {"data": _CALL, "signature": "MEUCIQD="},
    XML: f"<esbrequest><data><requestId>demo-1</requestId><esbBody>{BODY_EXAMPLES[XML]}</esbBody>"
    "</data><signature>MEUCIQD=</signature></esbrequest>",
}


def content(
    schemas: Mapping[str, Any], examples: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """A body in one of these media types, with an example for each that `examples` has."""
    found = {media_type: {"schema": one} for media_type, one in schemas.items()}
    for media_type, example in examples.items():
        found[media_type]["example"] = example
    return {"content": found}


def answer(description: str, schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of an operation that says nothing else with 200."""
    return {"200": {"description": description, **content(schemas)}}
