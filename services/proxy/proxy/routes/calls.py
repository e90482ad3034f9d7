"""What API clients ask of the hub itself: described here, served by the gateway's process
(`proxy.gateway.own_paths`).
"""

from typing import Any

from common.web.descriptions import describe
from common.web.examples import body_example
from common.web.single import single
from flask_smorest import Api

from proxy.schemas.calls import CallStateOut, IntegrationCallIn

_SCHEMES: dict[str, dict[str, str]] = {
    "client_basic": {"type": "http", "scheme": "basic"},
    "client_id": {"type": "apiKey", "in": "header", "name": "X-Client-Id"},
    "client_secret": {"type": "apiKey", "in": "header", "name": "X-Client-Secret"},
}
_SECURITY: list[dict[str, list[str]]] = [
    {"client_basic": []},
    {"client_id": [], "client_secret": []},
]


def describe_calls(api: Api) -> None:
    """Put the gateway's own paths into the document."""
    for name, scheme in _SCHEMES.items():
        api.spec.components.security_scheme(name, scheme)
    api.spec.tag({"name": "calls", "description": "Calls of API clients"})
    _describe(
        api,
        "/integration/call",
        "post",
        "make_call",
        "Make a call by channel id; the answer is the mediator's own.",
        {
            "200": {"description": "The mediator's answer, status and type its own"},
            "202": {"description": "Accepted: a worker makes the call"},
            "default": {"description": "The mediator's own status, or why it has none"},
        },
        problems=(400, 404, 409, 413, 415),
        description="For systems that cannot set paths. Needs a client's credentials.",
        requestBody={
            "required": True,
            "content": {
                "application/json": {
                    "schema": IntegrationCallIn,
                    "example": body_example(IntegrationCallIn()),
                }
            },
        },
    )
    state = {"application/json": {"schema": single(CallStateOut)}}
    _describe(
        api,
        "/transactions/<uuid:correlation_id>/",
        "get",
        "read_call_state",
        "How a call stands; `Prefer: wait=<seconds>` waits up to 30 s for its end.",
        {"200": {"description": "OK", "content": state}},
        problems=(404,),
        description="Of calls of one's own. Needs the client's credentials.",
    )
    _describe(
        api,
        "/transactions/<uuid:correlation_id>/response/",
        "get",
        "read_whole_answer",
        "The whole answer of an asynchronous call, as its mediator gave it.",
        {"default": {"description": "The mediator's status, type and bytes"}},
        problems=(404, 409),
        description="Once; for as long as its channel keeps it. Needs the client's credentials.",
    )


def _describe(
    api: Api,
    path: str,
    method: str,
    operation_id: str,
    summary: str,
    responses: dict[str, Any],
    *,
    problems: tuple[int, ...],
    description: str,
    **more: Any,
) -> None:
    """An operation with a client's credentials."""
    operation = {
        "operationId": operation_id,
        "summary": summary,
        "description": description,
        "tags": ["calls"],
        "security": _SECURITY,
        "responses": responses,
        **more,
    }
    describe(api, path, method, operation, (*problems, 401, 403, 422, 429, 503))
