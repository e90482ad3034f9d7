"""`/admin/esb/workbench/`: keys and envelopes tried by hand; nothing is sent to the bus."""

from http import HTTPStatus
from typing import Any

from common.console.forms import Form, choices, read_form
from common.console.staff import StaffRole
from common.errors import Invalid
from common.logs import get_logger
from common.texts import _
from flask import g, render_template
from flask.typing import ResponseReturnValue

from esb_relay.console.blueprint import pages
from esb_relay.console.keys import known_keys
from esb_relay.container import container
from esb_relay.errors import MalformedText
from esb_relay.keys.keyring import ESB, OWN, RECIPIENT
from esb_relay.keys.signing import signed_request, verdict
from esb_relay.schemas.forms import SignForm, VerifyForm
from esb_relay.wire.terms import Format, Mode

log = get_logger(__name__)


@pages.page("/workbench/", StaffRole.OPERATOR)
def workbench() -> ResponseReturnValue:
    """Both forms."""
    return _page()


@pages.act("/workbench/sign/", StaffRole.OPERATOR)
def sign() -> ResponseReturnValue:
    """The envelope around a body, as it would be sent; it is put into the other form too."""
    form = read_form(SignForm())
    if form.errors:
        return _page(sign_form=form)
    given = form.values
    code, mode = given["code"], given["mode"]
    try:
        envelope = signed_request(
            container().keyring,
            mode,
            code,
            given["body"].encode(),
            given["format"],
            given["user_id"],
        ).decode()
    except (Invalid, MalformedText) as exc:
        return _page(sign_form=form.refused({"body": [str(exc)]}))
    log.info("signed_by_hand", staff=g.staff.name, mode=mode, code=code)
    again = Form.of({"key": OWN, "envelope": envelope})
    return _page(sign_form=form, envelope=envelope, verify_form=again)


@pages.act("/workbench/verify/", StaffRole.OPERATOR)
def verify() -> ResponseReturnValue:
    """Whether an envelope is valid, in which spelling, by which key; else why not."""
    form = read_form(VerifyForm())
    if form.errors:
        return _page(verify_form=form)
    try:
        said = verdict(container().keyring, form.values["envelope"].encode(), form.values["key"])
    except Invalid as exc:
        return _page(verify_form=form.refused(exc.errors))
    return _page(verify_form=form, said=said)


def _page(
    *,
    sign_form: Form | None = None,
    verify_form: Form | None = None,
    envelope: str | None = None,
    said: dict[str, Any] | None = None,
) -> ResponseReturnValue:
    sign_form, verify_form = sign_form or Form(), verify_form or Form()
    known, trouble = known_keys()
    others = [(one.kid, f"Recipient {one.kid}") for one in known if one.role == RECIPIENT]
    page = render_template(
        "pages/workbench.html",
        sign_form=sign_form,
        verify_form=verify_form,
        envelope=envelope,
        said=said,
        trouble=trouble,
        modes=choices(Mode),
        formats=choices(Format),
        keys=[(ESB, "GovESB"), (OWN, _("Our own")), *others],
    )
    is_wrong = sign_form.errors or verify_form.errors
    return page, HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK
