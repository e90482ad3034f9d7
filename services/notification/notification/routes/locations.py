"""Where this service's API and its records stand."""

import uuid
from typing import Any

from common.web.examples import EXAMPLE_ID, path_example

from notification.django_mediator.ids import FORMER_NUMBER

PREFIX = "/api/notification"

#: For the document of an answer that carries it.
LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where it can be found"}}


def path_id(name: str) -> dict[str, Any]:
    """A record's id in a path: a text to us, so that a former number is asked about as well."""
    schema = {"type": "string", "format": "uuid"}
    return {**path_example(name, str(EXAMPLE_ID), FORMER_NUMBER), "schema": schema}


def location(noun: str, name: uuid.UUID | str) -> dict[str, str]:
    """The `Location` header."""
    return {"Location": f"{PREFIX}/{noun}/{name}/"}
