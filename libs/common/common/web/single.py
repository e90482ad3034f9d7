"""A single record on the wire: `{"ok": true, "data": {…}}`, as the Django mediator had it.

For one version its members stand beside `ok` and `data`, too, where Kiungo has had them.
"""

from functools import cache
from typing import Any

import marshmallow as ma


@cache
def single(record: type[ma.Schema]) -> ma.Schema:
    """The schema of an answer that is one `record`."""
    name = f"{record.__name__.removesuffix('Out')}Answer"

    def enveloped(_schema: ma.Schema, made: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return {**made, "ok": True, "data": made}

    members = {
        "ok": ma.fields.Boolean(required=True, dump_only=True, attribute=_NOWHERE),
        "data": ma.fields.Nested(record, required=True, dump_only=True, attribute=_NOWHERE),
        "enveloped": ma.post_dump(enveloped),
        "__doc__": f"{record.__doc__} It is `data`; its members beside that go in a later version.",
    }
    made: ma.Schema = type(name, (record,), members)()
    return made


#: Neither is an attribute of a record: both are put around what was made of it.
_NOWHERE = "\0"
