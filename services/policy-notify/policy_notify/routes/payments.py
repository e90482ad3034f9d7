"""`/api/policy-notification/payments/`: what happened to payments, and the messages about it."""

import uuid
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page, fetch_page, page_schema
from common.web.single import single
from flask.views import MethodView
from sqlalchemy import select

from policy_notify.container import container
from policy_notify.errors import UnknownRecord
from policy_notify.intake.payments import PaymentRecord, keep_report
from policy_notify.intake.reading import reading_as, reading_of
from policy_notify.models import PaymentNotice
from policy_notify.routes.locations import PREFIX
from policy_notify.schemas.payments import PaymentArgs, PaymentOut

blp = Blueprint("payments", __name__, url_prefix=f"{PREFIX}/payments")


def _as_the_scheme_reads(view: Callable[..., Any]) -> Callable[..., Any]:
    """Times without a zone, and numbers without a country code, are the scheme's."""

    @wraps(view)
    def read(*args: Any, **kwargs: Any) -> Any:
        with reading_as(reading_of(container().settings)):
            return view(*args, **kwargs)

    return read


@blp.route("/")
class Payments(MethodView):
    """Everything that was reported."""

    @blp.scope("policy:read")
    @blp.arguments(PaymentArgs, location="query")
    @blp.response(200, page_schema(PaymentOut))
    def get(self, query: dict[str, Any]) -> Page[PaymentNotice]:
        """List what was reported of payments, newest first, with what became of the messages."""
        page = {name: query.pop(name) for name in ("limit", "cursor")}
        wanted = select(PaymentNotice)
        for name, value in query.items():
            if value is not None:
                column = PaymentNotice.type if name == "event" else getattr(PaymentNotice, name)
                wanted = wanted.where(column == value)
        with container().database.reading() as session:
            return fetch_page(session, wanted, PaymentNotice.id, **page)

    @_as_the_scheme_reads
    @blp.scope("policy:write")
    @blp.arguments(PaymentRecord)
    @blp.response(202, single(PaymentOut))
    @blp.alt_response(
        200, schema=single(PaymentOut), description="It was reported before, and stays."
    )
    def post(self, given: dict[str, Any]) -> tuple[PaymentNotice, HTTPStatus]:
        """Report what happened to a payment; a worker sends the message about it, once."""
        with container().database.writing() as session:
            kept, is_new = keep_report(session, given)
        return kept, HTTPStatus.ACCEPTED if is_new else HTTPStatus.OK


@blp.route("/<uuid:report>/", methods=["GET"])
@blp.scope("policy:read")
@blp.response(200, single(PaymentOut))
def read_payment(report: uuid.UUID) -> PaymentNotice:
    """Read a report by its `uuid`, with what became of the message."""
    found = select(PaymentNotice).where(PaymentNotice.uuid == report)
    with container().database.reading() as session:
        notice = session.scalar(found)
    if notice is None:
        raise UnknownRecord("payment report")
    return notice
