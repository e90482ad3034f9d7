"""Where this service's API and its records stand."""

import uuid

PREFIX = "/api/notification"

#: For the document of an answer that carries it.
LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where it can be found"}}


def location(noun: str, name: uuid.UUID | str) -> dict[str, str]:
    """The `Location` header."""
    return {"Location": f"{PREFIX}/{noun}/{name}/"}
