"""The report of who can be told, in five formats."""

from typing import Any

from common.api import Blueprint
from flask import Response

from policy_notify.families import Mode
from policy_notify.parts import parts
from policy_notify.report import FORMATS, prepare
from policy_notify.routes.locations import PREFIX
from policy_notify.schemas.report import ReportArgs, ReportOut

blp = Blueprint("report", __name__, url_prefix=PREFIX)

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
    """Tell who can be told: families of a region or district, streamed."""
    report = prepare(
        parts().database,
        region=query["regionUuid"],
        district=query["districtUuid"],
        officer=query["officerUuid"],
        mode=Mode(query["mode"]),
    )
    chosen = FORMATS[query["format"]]
    place = "attachment" if chosen.is_download else "inline"
    headers = {"Content-Disposition": f'{place}; filename="{NAME}.{query["format"]}"'}
    return Response(chosen.write(report), content_type=chosen.media_type, headers=headers)
