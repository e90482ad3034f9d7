"""The one place that every request of a service passes: no page and no route can forget it."""

from http import HTTPStatus

from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from common.audit.actors import known_actor
from common.audit.chain import Draft
from common.audit.log import EXTENSION, SAFE_METHODS, AuditLog, audit_log, request_draft
from common.audit.values import digest

#: Filters whose values name no person; others are kept as digests.
_TELLING = frozenset(
    {
        *("format", "status", "channel", "client", "method", "response_status", "since", "until"),
        *("direction", "mode", "is_active", "event", "priority", "type", "act", "who", "date"),
    }
)


def register_audited_requests(app: Flask) -> None:
    """Let what the requests of `app` do and show be in the log of `register_audit_log`, too."""
    app.after_request(_note_request)


def acts_of(app: Flask) -> set[tuple[str, str]]:
    """Endpoint and method of every request that leaves an event, whoever added its route."""
    log: AuditLog = app.extensions[EXTENSION]
    return {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - SAFE_METHODS
        if rule.endpoint not in log.rules.not_acts
    }


def _note_request(response: Response) -> Response:
    """An act leaves an event before its answer leaves; what cannot be noted is not shown."""
    draft = _draft_of(response)
    if draft is None:
        return response
    try:
        audit_log().record(draft)
    except SQLAlchemyError as exc:
        return current_app.make_response(current_app.handle_user_exception(exc))
    return response


def _draft_of(response: Response) -> Draft | None:
    if response.status_code >= HTTPStatus.BAD_REQUEST or known_actor() is None:
        return None
    if request.method != "GET":
        return None if _was_rejected() else audit_log().act_of_request()
    disposition = response.headers.get("Content-Disposition", "")
    if disposition.startswith("attachment"):
        name = disposition.partition("filename=")[2].strip('"; ')
        return Draft(
            act="list.exported", object_kind="list", object_name=name, after=_filters() or None
        )
    act = audit_log().rules.views.get(request.endpoint or "")
    said = g.get("audit_view", {})
    return request_draft(act, {**_filters(), **said}) if act and said is not None else None


def _was_rejected() -> bool:
    """The page that the answer leads to will say why nothing was done."""
    flash = g.get("flash")
    return flash is not None and flash.kind == "bad"


def _filters() -> dict[str, str]:
    pairs = request.args.items()
    return {name: value if name in _TELLING else digest(value) for name, value in pairs if value}
