"""Bodies that are taken and given as bytes, as the document describes them."""

from collections.abc import Mapping
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


def content(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """A body in one of these media types."""
    return {"content": {media_type: {"schema": one} for media_type, one in schemas.items()}}


def answer(description: str, schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of an operation that says nothing else with 200."""
    return {"200": {"description": description, **content(schemas)}}
