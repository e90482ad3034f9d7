"""Bodies and ids as they come at OpenHIM's addresses."""

import json
import re
import uuid
from typing import Any

from common.errors import NotFound
from common.web.fields import check_storable
from flask import request
from marshmallow import ValidationError

from proxy.openhim.callers import NotUnderstood

MAX_BYTES = 16 * 1024 * 1024
_ID = re.compile(r"[0-9a-fA-F]{24}")
_REST = 8


def body() -> Any:
    """The JSON that was sent, whatever its media type says; None for nothing.

    Raises NotUnderstood.
    """
    request.max_content_length = MAX_BYTES
    raw = request.get_data()
    if not raw.strip():
        return None
    try:
        found = json.loads(raw)
        check_storable(found)
    except ValidationError as exc:
        raise NotUnderstood(f"The body cannot be stored: {exc}") from exc
    except (ValueError, RecursionError) as exc:
        raise NotUnderstood("The body is not JSON") from exc
    return found


def document() -> dict[str, Any]:
    """The JSON object that was sent. Raises NotUnderstood."""
    found = body()
    if not isinstance(found, dict):
        raise NotUnderstood("The body must be a JSON object")
    return found


def id_of(record_id: uuid.UUID) -> str:
    """An id in OpenHIM's length: the first 24 hexadecimal digits of ours."""
    return record_id.hex[:24]


def id_range(text: str) -> tuple[uuid.UUID, uuid.UUID]:
    """The ids of ours that begin with these 24 digits. Raises NotFound for what is none."""
    if not _ID.fullmatch(text):
        raise NotFound("No such record")
    return uuid.UUID(text + "0" * _REST), uuid.UUID(text + "f" * _REST)
