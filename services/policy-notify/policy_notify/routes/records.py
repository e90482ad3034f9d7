"""`PUT /api/policy-notification/<kind>/`: the read model in bulk; and what waits in it."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from common.web.api import Blueprint
from common.web.examples import body_example
from common.web.paging import Page, PageArgs, fetch_page, page_schema
from flask import request
from sqlalchemy import select
from werkzeug.exceptions import UnsupportedMediaType

from policy_notify.container import container
from policy_notify.intake.bodies import MAX_RECORDS, MEDIA_TYPES, NDJSON, parse
from policy_notify.intake.erasure import erase_person
from policy_notify.intake.kinds import KINDS, Kind
from policy_notify.intake.reading import reading_of
from policy_notify.intake.upsert import Outcome, store
from policy_notify.intake.waiting import Dangling, counts_of, dangling
from policy_notify.routes.locations import PREFIX
from policy_notify.schemas.records import (
    DanglingOut,
    ErasedOut,
    KindCountOut,
    UpsertArgs,
    UpsertOut,
    WaitingArgs,
)

blp = Blueprint("read_model", __name__, url_prefix=PREFIX)


def _body_doc(kind: Kind) -> dict[str, Any]:
    """The body's documentation: records are checked one by one, so any array is accepted."""
    example = body_example(kind.schema)
    return {
        "requestBody": {
            "required": True,
            "description": f"Records of the schema {type(kind.schema).__name__}.",
            "content": {
                "application/json": {
                    "schema": {"type": "array", "maxItems": MAX_RECORDS, "items": {}},
                    "example": [example],
                },
                NDJSON[0]: {"schema": {"type": "string"}, "example": json.dumps(example) + "\n"},
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


def _upsert_of(kind: Kind) -> Callable[[dict[str, Any]], Outcome]:
    def upsert(query: dict[str, Any]) -> Outcome:
        if request.mimetype not in MEDIA_TYPES:
            raise UnsupportedMediaType(f"The body must be one of {', '.join(MEDIA_TYPES)}")
        records = parse(request.get_data(cache=False), request.mimetype)
        ignores_unknown = query["unknown_members"] == "ignore"
        reading = reading_of(container().settings, ignores_unknown=ignores_unknown)
        with container().database.writing() as session:
            return store(session, kind, records, reading)

    upsert.__name__ = f"put_{kind.name}"
    upsert.__doc__ = f"""Create or change {kind.name} by their {kind.key}: a JSON array or NDJSON.

    At most {MAX_RECORDS} records, each as a whole. The good ones are stored, the bad ones reported
    by their index; one that points at an unknown uuid is stored, reported, and waits.
    """
    return upsert


for _kind in KINDS.values():
    _view = blp.response(200, UpsertOut)(_upsert_of(_kind))
    _view = blp.arguments(UpsertArgs, location="query")(_view)
    _view = blp.doc(**_body_doc(_kind))(blp.scope("policy:write")(_view))
    blp.route(f"/{_kind.name}/", methods=["PUT"])(_view)


def _list_of(kind: Kind) -> Callable[[dict[str, Any]], Page[Any]]:
    def records(page: dict[str, Any]) -> Page[Any]:
        key: Any = getattr(kind.model, kind.key)
        with container().database.reading() as session:
            return fetch_page(session, select(kind.model), key, **page, descending=False)

    records.__name__ = f"list_{kind.name}_records"
    records.__doc__ = f"""List {kind.name} by their {kind.key}, ended ones too."""
    return records


for _kind in KINDS.values():
    # Families are searched, and `indications/` lists attempts: those have routes of their own.
    if _kind.name != "families":
        _path = "/indications/sent/" if _kind.name == "indications" else f"/{_kind.name}/"
        _listed = blp.response(200, page_schema(type(_kind.schema)))(_list_of(_kind))
        _listed = blp.arguments(PageArgs, location="query")(_listed)
        blp.route(_path, methods=["GET"])(blp.scope("policy:read")(_listed))


@blp.route("/counts/", methods=["GET"])
@blp.scope("policy:read")
@blp.response(200, page_schema(KindCountOut))
def count_records() -> Page[dict[str, Any]]:
    """Count the records of each kind: all, current ones, and references that wait."""
    with container().database.reading() as session:
        return Page([counts_of(session, kind) for kind in KINDS.values()], None)


@blp.route("/insurees/<uuid:person>/", methods=["DELETE"])
@blp.scope("policy:write")
@blp.response(200, ErasedOut)
def erase(person: uuid.UUID) -> dict[str, Any]:
    """Erase a person's data, for good: names, number, and the words of messages; counts remain."""
    with container().database.writing() as session:
        return {"ok": True, "messages": erase_person(session, person)}


@blp.route("/waiting/", methods=["GET"])
@blp.scope("policy:read")
@blp.arguments(WaitingArgs, location="query")
@blp.response(200, page_schema(DanglingOut))
def list_waiting(query: dict[str, Any]) -> Page[Dangling]:
    """List the records whose reference names nothing yet, by uuid."""
    kind, _, field = query["reference"].partition(".")
    limit = query["limit"]
    with container().database.reading() as session:
        found = dangling(session, KINDS[kind], field, after=query["cursor"], limit=limit + 1)
    more = len(found) > limit
    return Page(found[:limit], str(found[limit - 1].uuid) if more else None)
