"""What the modules of this package share."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from kiungo_client.transport import Request

Json = Mapping[str, Any] | Sequence[Any]
Record = dict[str, Any]
Send = Callable[[Request], Any]
JSON = "application/json"

#: Operations that act once under a key: where it stands in the request.
KEY_HEADERS = {"make_call": "Idempotency-Key"}
KEY_MEMBERS = {"emit_event": "idempotency_key"}


class Api:
    """The operations of a service."""

    #: The method of each operation.
    OPERATIONS: Mapping[str, str] = {}

    def __init__(self, send: Send) -> None:
        self._send = send

    def _ask(
        self,
        operation: str,
        method: str,
        path: str,
        *places: object,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: Any = None,
        media_type: str | None = None,
    ) -> Any:
        """Send a request; what is None is not sent. A key is made where one is of use."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        said = {name: value for name, value in (headers or {}).items() if value is not None}
        key = None
        if operation in KEY_HEADERS:
            key = said.setdefault(KEY_HEADERS[operation], str(uuid.uuid4()))
        if operation in KEY_MEMBERS and isinstance(body, Mapping):
            body = {KEY_MEMBERS[operation]: str(uuid.uuid4()), **body}
            key = body[KEY_MEMBERS[operation]]
        where = path.format(*(quote(str(one), safe="") for one in places))
        type_ = None if body is None else media_type
        return self._send(Request(method, where, given, said, body, type_, key))
