"""`PUT /api/policy-notification/<kind>/`: the read model in bulk; and what waits in it."""

from collections.abc import Callable
from typing import Any

from common.api import Blueprint
from common.paging import Page, page_schema
from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from policy_notify.intake.bodies import MAX_RECORDS, MEDIA_TYPES, NDJSON, parse
from policy_notify.intake.kinds import KINDS, Kind
from policy_notify.intake.upsert import Outcome, store
from policy_notify.intake.waiting import Dangling, dangling
from policy_notify.parts import parts
from policy_notify.routes.locations import PREFIX
from policy_notify.schemas.intake import DanglingOut, UpsertOut, WaitingArgs

blp = Blueprint("read_model", __name__, url_prefix=PREFIX)


def _body_doc(kind: Kind) -> dict[str, Any]:
    """The body's documentation: records are checked one by one, so any array is accepted."""
    return {
        "requestBody": {
            "required": True,
            "description": f"Records of the schema {type(kind.schema).__name__}.",
            "content": {
                "application/json": {
                    "schema": {"type": "array", "maxItems": MAX_RECORDS, "items": {}}
                },
                NDJSON[0]: {"schema": {"type": "string"}},
            },
        },
        "responses": {
            str(code): {"$ref": f"#/components/responses/PROBLEM_{code}"} for code in (413, 415)
        },
    }


def document_records(spec: Any) -> None:
    """Put the records' schemas into the document."""
    for kind in KINDS.values():
        spec.components.schema(type(kind.schema).__name__, schema=kind.schema)


def _upsert_of(kind: Kind) -> Callable[[], Outcome]:
    def upsert() -> Outcome:
        if request.mimetype not in MEDIA_TYPES:
            raise UnsupportedMediaType(f"The body must be one of {', '.join(MEDIA_TYPES)}")
        records = parse(request.get_data(cache=False), request.mimetype)
        with parts().database.writing() as session:
            return store(session, kind, records)

    upsert.__name__ = f"put_{kind.name}"
    upsert.__doc__ = f"""Create or change {kind.name} by their uuid: a JSON array or NDJSON.

    At most {MAX_RECORDS} records, each as a whole. The good ones are stored, the bad ones reported
    by their index; one that points at an unknown uuid is stored, reported, and waits.
    """
    return upsert


for _kind in KINDS.values():
    _view = blp.response(200, UpsertOut)(_upsert_of(_kind))
    _view = blp.doc(**_body_doc(_kind))(blp.scope("policy:write")(_view))
    blp.route(f"/{_kind.name}/", methods=["PUT"])(_view)


@blp.route("/waiting/", methods=["GET"])
@blp.scope("policy:read")
@blp.arguments(WaitingArgs, location="query")
@blp.response(200, page_schema(DanglingOut))
def list_waiting(query: dict[str, Any]) -> Page[Dangling]:
    """List the records whose reference names nothing yet, by uuid."""
    kind, _, field = query["reference"].partition(".")
    limit = query["limit"]
    with parts().database.reading() as session:
        found = dangling(session, KINDS[kind], field, after=query["cursor"], limit=limit + 1)
    more = len(found) > limit
    return Page(found[:limit], str(found[limit - 1].uuid) if more else None)
