"""`POST /api/notification/mail-reports/`: failures and complaints about e-mails."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from common.errors import NotFound, Unauthenticated
from common.texts import _
from common.web.api import Blueprint
from flask import request

from notification.container import container
from notification.errors import ReceiptTooEarly
from notification.mails.reports import Report, read_hook, read_mail
from notification.outbox.mail_reports import receive_reports
from notification.outbox.receiving import Effect
from notification.routes.locations import PREFIX
from notification.schemas.deliveries import ReceiptsOut
from notification.transports.receipts import proves_itself

blp = Blueprint("mail_reports", __name__, url_prefix=PREFIX)

#: Where a mail server says whom the report was brought to: never in the address, that is logged.
BROUGHT_TO = "X-Envelope-To"
_MAIL = {
    "schema": {"type": "string", "format": "binary"},
    "example": "Subject: Out of office\r\n\nI am back on Monday.\r\n",
}
_HOOK = {
    "schema": {"type": "object"},
    "example": {"event": "bounce", "email": "asha.mushi@example.org"},
}
_BODY = {"content": {"message/rfc822": _MAIL, "application/json": _HOOK}}


@blp.route("/mail-reports/", methods=["POST"])
@blp.public
@blp.doc(requestBody=_BODY)
@blp.response(200, ReceiptsOut)
@blp.alt_response(401, "PROBLEM_401")
def take_report() -> dict[str, Any]:
    """Take a mail that a mail server brought to a return path, or a provider's hook.

    Both prove themselves with the secret of bounces; what a report is about proves itself by the
    signature of its address. Mails that are no reports are `foreign`. 503: the message may still
    be on its way; the same report again is welcome.
    """
    process = container()
    paths = process.settings.return_paths
    if paths is None:
        raise NotFound(_("No reports are taken: NOTIFICATION_BOUNCE_DOMAIN is not set"))
    if not proves_itself(cast(Mapping[str, str], request.headers), paths.secret):
        raise Unauthenticated(_("The secret of bounces is missing or wrong"))
    reports = _reports()
    with process.database.writing() as session:
        effects = receive_reports(session, paths, reports)
    if effects[Effect.EARLY]:
        raise ReceiptTooEarly
    effects[Effect.FOREIGN] += not reports
    return {"ok": True, **{str(effect): effects[effect] for effect in Effect}}


def _reports() -> Sequence[Report]:
    body = request.get_data()
    if request.is_json:
        return list(read_hook(body))
    found = read_mail(body, request.headers.getlist(BROUGHT_TO))
    return [found] if found else []
