"""Where the relay's records are."""

import uuid

PREFIX = "/api/esb"

#: For the document of an answer that carries it.
LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where it can be found"}}


def location(noun: str, record_id: uuid.UUID) -> dict[str, str]:
    """The `Location` header."""
    return {"Location": f"{PREFIX}/{noun}/{record_id}/"}
