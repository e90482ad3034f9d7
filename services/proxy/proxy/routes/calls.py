"""For API clients, with their channel credentials: calls by channel id, and how a call stands."""

import uuid
from typing import Any

from common.api import Blueprint
from flask import Response, g, request
from flask.views import MethodView

from proxy.call_states import await_end
from proxy.gateway.admitted import preferences
from proxy.integration_calls import as_call
from proxy.models import Transaction
from proxy.parts import gateway, parts
from proxy.routes.client_credentials import with_client_credentials
from proxy.schemas.calls import CallStateOut, IntegrationCallIn

blp = Blueprint("calls", __name__, description="Calls of API clients")


@blp.route("/integration/call")
class IntegrationCall(MethodView):
    """Calls for systems that cannot set paths."""

    @with_client_credentials
    @blp.arguments(IntegrationCallIn)
    @blp.response(200, description="The mediator's answer; its status and type are its own")
    @blp.alt_response(202, description="Accepted: a worker makes the call")
    @blp.alt_response("default", description="The mediator's own status, or why it has none")
    def post(self, given: dict[str, Any]) -> Response:
        """Make a call by channel id; the answer is the mediator's own."""
        raw = request.get_data(as_text=True)
        call, channel_name = as_call(given, raw, g.edge, gateway().routing)
        reply = gateway().serve(call, channel_name=channel_name)
        return Response(reply.body, reply.status, reply.headers)


@blp.route("/transactions/<uuid:correlation_id>/")
class CallState(MethodView):
    """The state of one call."""

    @with_client_credentials
    @blp.response(200, CallStateOut)
    def get(self, correlation_id: uuid.UUID) -> Transaction:
        """How a call stands; `Prefer: wait=<seconds>` waits up to 30 s for its end."""
        wait = preferences(g.edge.headers).get("wait", "")
        return await_end(parts().database, correlation_id, g.client.client_id, wait)
