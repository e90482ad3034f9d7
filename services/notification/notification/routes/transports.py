"""`/api/notification/transports/`: providers that take nothing for a while."""

from typing import Any

from common.errors import NotFound
from common.texts import _
from common.web.api import Blueprint
from common.web.examples import path_example
from common.web.single import single

from notification.container import container
from notification.models import ChannelCode, TransportState
from notification.outbox.transports import in_trouble, open_transport
from notification.routes.locations import PREFIX
from notification.schemas.transports import ClosedTransportOut, ClosedTransportsOut

blp = Blueprint("transports", __name__, url_prefix=f"{PREFIX}/transports")


@blp.route("/", methods=["GET"])
@blp.scope("notification:read")
@blp.response(200, ClosedTransportsOut)
def list_closed_transports() -> dict[str, Any]:
    """List the transports that are closed, or took nothing since; none: all is well."""
    with container().database.reading() as session:
        closed = in_trouble(session)
    return {"ok": True, "count": len(closed), "data": closed}


@blp.route(
    "/<string:channel>/<string:provider>/open/",
    methods=["POST"],
    parameters=[path_example("channel", "SMS"), path_example("provider", "demo")],
)
@blp.scope("notification:admin")
@blp.response(200, single(ClosedTransportOut))
def open_closed_transport(channel: str, provider: str) -> TransportState:
    """Open a closed way at once: somebody has mended what closed it."""
    if channel not in set(ChannelCode):
        raise NotFound(_("No such transport"))
    with container().database.writing() as session:
        transport = open_transport(session, ChannelCode(channel), provider)
    container().wake_up.send()
    return transport
