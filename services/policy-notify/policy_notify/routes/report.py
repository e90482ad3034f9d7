"""The report of who can be notified, in five formats."""

from typing import Any

from common.web.api import Blueprint
from flask import Response

from policy_notify.container import container
from policy_notify.read_model.families import Mode
from policy_notify.report import FORMATS, prepare
from policy_notify.routes.locations import PREFIX
from policy_notify.schemas.report import OpenimisReportArgs, ReportArgs, ReportOut

blp = Blueprint("report", __name__, url_prefix=PREFIX)
#: Where openIMIS's front end looks for it.
openimis = Blueprint("openimis_report", __name__, url_prefix="/api/policy_notification")

NAME = "communication_by_notification_report"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_DOC = {
    "responses": {
        "200": {
            "description": "The report in the format that was asked for",
            "content": {one.media_type.partition(";")[0]: _BINARY for one in FORMATS.values()}
            | {"application/json": {"schema": ReportOut}},
        }
    }
}


@blp.route(f"/{NAME}/", methods=["GET"])
@blp.scope("policy:report")
@blp.arguments(ReportArgs, location="query")
@blp.response(200, ReportOut)
@blp.doc(**_DOC)
def read_report(query: dict[str, Any]) -> Response:
    """Tell who can be notified: families of a region or district, streamed."""
    return _written(query)


@openimis.route(f"/{NAME}/", methods=["GET"])
@openimis.scope("policy:report")
@openimis.arguments(OpenimisReportArgs, location="query")
@openimis.response(200, ReportOut)
@openimis.doc(**_DOC)
def read_openimis_report(query: dict[str, Any]) -> Response:
    """Tell who can be notified, at openIMIS's address and with the filters of its family search."""
    return _written(query, **(query.pop("familyFilterJson") or {}))


def _written(query: dict[str, Any], **filters: Any) -> Response:
    wanted = {
        "region": query["regionUuid"],
        "district": query["districtUuid"],
        "officer": query["officerUuid"],
        "mode": Mode(query["mode"]),
        **filters,
    }
    report = prepare(container().database, **wanted)
    chosen = FORMATS[query["format"]]
    place = "attachment" if chosen.is_download else "inline"
    headers = {"Content-Disposition": f'{place}; filename="{NAME}.{query["format"]}"'}
    return Response(chosen.write(report), content_type=chosen.media_type, headers=headers)
