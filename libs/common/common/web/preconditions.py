"""`ETag` and `If-Match` (RFC 9110, 13.1.1): who changes a record says which one they have read.

    @blp.if_match                                                  # documents header and 412
    def patch(self, changes, channel_id):
        with container().database.writing() as session:
            check_if_match(session, Channel, id=channel_id)        # raises Stale: 412
            return channels.update_channel(session, channel_id, changes)

Without the header the change is made, as ever.
"""

import re
from typing import Any

from flask import Response, after_this_request, request
from sqlalchemy.orm import Session

from common.db.revisions import claim

IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "schema": {"type": "string"},
    "example": "*",
    "description": "The `ETag` (or `etag`) of the record as read: 412 if changed since",
}
ETAG = {"description": "The record's revision, for `If-Match`", "schema": {"type": "string"}}
#: Compressing on the way makes a tag weak; ours say the same then.
_TAG = re.compile(r'(?:W/)?"(\d{1,9})"')


def check_if_match(session: Session, model: type[Any], **key: Any) -> None:
    """Hold the record, if the request says at which revision it must be. Raises Stale."""
    wanted = request.headers.get("If-Match", "*").strip()
    if wanted == "*":
        return
    claim(session, model, [int(found) for found in _TAG.findall(wanted)], **key)


def tag_answer(answered: Any) -> None:
    """Give the answer the `ETag` of the record in it, if it has one."""
    record = answered[0] if isinstance(answered, tuple) else answered
    tag = record.get("etag") if isinstance(record, dict) else getattr(record, "etag", None)
    if tag is None:
        return

    @after_this_request
    def _tagged(response: Response) -> Response:
        response.headers["ETag"] = tag
        return response
