"""A call's bodies to the byte: as a file, a picture, in hexadecimal; and the call as a test case.

Where a channel asks why bodies are opened, they are sent for a reason only.
"""

import json
import uuid
from collections.abc import Callable

from common.audit.log import record_act
from common.console.forms import read_form
from common.console.guard import others_file
from common.console.rights import Right
from common.errors import Invalid
from common.texts import _
from flask import Response, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.reading import read
from proxy.container import container
from proxy.errors import ReasonMissing, UnknownRecord
from proxy.models import Transaction
from proxy.record.as_call import as_test_case
from proxy.record.raw_bodies import HEX_BYTES, Side, hexadecimal, raw_body, shown_as
from proxy.record.transactions import asks_reason
from proxy.registry.records import existing
from proxy.schemas.forms import ReasonForm

_CALL = "/mediator/transactions/<uuid:correlation_id>"
_SIDE = "<any(request, response):side>"


@pages.page(f"{_CALL}/body/{_SIDE}/", Right.GATEWAY_BODIES)
def raw_body_of_call(correlation_id: uuid.UUID, side: str) -> ResponseReturnValue:
    """The body: shown by the browser where that is safe, else downloaded. Raises ReasonMissing."""
    return _file(correlation_id, side, read(_freely(correlation_id, side)))


@pages.act(f"{_CALL}/body/{_SIDE}/", Right.GATEWAY_BODIES)
def open_raw_body(correlation_id: uuid.UUID, side: str) -> ResponseReturnValue:
    """The same for the reason that was given."""
    form = read_form(ReasonForm())
    if form.errors:
        raise Invalid(_("Say why the body is opened"), dict(form.errors))
    call, body = read(lambda session: _kept(session, correlation_id, side))
    name = call.channel_name or ""
    record_act("transaction.viewed", correlation_id, name, reason=form.values["reason"])
    return _file(correlation_id, side, body)


@pages.page(f"{_CALL}/body/{_SIDE}/hex/", Right.GATEWAY_BODIES)
def hexadecimal_body(correlation_id: uuid.UUID, side: str) -> ResponseReturnValue:
    """The beginning of the body, byte by byte. Raises ReasonMissing."""
    body = read(_freely(correlation_id, side))
    return render_template(
        "pages/hexadecimal.html",
        correlation_id=correlation_id,
        side=side,
        text=hexadecimal(body),
        bytes=len(body),
        most=HEX_BYTES,
    )


@pages.page(f"{_CALL}/test-case/", Right.GATEWAY_BODIES)
def test_case(correlation_id: uuid.UUID) -> ResponseReturnValue:
    """The call as JSON, for the match test and for tests of others. Raises ReasonMissing."""
    case = read(lambda session: as_test_case(_open_call(session, correlation_id)))
    text = json.dumps(case, indent=2, ensure_ascii=False)
    return others_file(text.encode(), f"{correlation_id}.json", None)


def _file(correlation_id: uuid.UUID, side: str, body: bytes) -> Response:
    media, ending = shown_as(body)
    return others_file(body, f"{correlation_id}-{side}.{ending}", media)


def _freely(correlation_id: uuid.UUID, side: str) -> Callable[[Session], bytes]:
    def query(session: Session) -> bytes:
        _open_call(session, correlation_id)
        return _kept(session, correlation_id, side)[1]

    return query


def _call(session: Session, correlation_id: uuid.UUID) -> Transaction:
    """A call whose bodies may be seen. Raises UnknownRecord, Forbidden."""
    call = existing(session, Transaction, correlation_id)
    reach.check_bodies(call)
    return call


def _open_call(session: Session, correlation_id: uuid.UUID) -> Transaction:
    """A call whose channel does not ask for a reason. Raises ReasonMissing."""
    call = _call(session, correlation_id)
    if asks_reason(session, call):
        raise ReasonMissing
    return call


def _kept(session: Session, correlation_id: uuid.UUID, side: str) -> tuple[Transaction, bytes]:
    call = _call(session, correlation_id)
    body = raw_body(session, container().sealer, call, Side(side))
    if body is None:
        raise UnknownRecord(_("body to the byte"))
    return call, body
