"""`/admin/notification/e-mail/`: how e-mails leave, and what DNS says of them to receivers."""

from collections.abc import Sequence

from common.console.staff import StaffRole
from flask import render_template
from flask.typing import ResponseReturnValue

from notification.console.blueprint import pages
from notification.container import container
from notification.mails.dns_advice import Finding
from notification.models import ChannelCode
from notification.transports.smtp import SmtpTransport


@pages.page("/e-mail/")
def e_mail() -> ResponseReturnValue:
    """The settings that matter to readers; nobody is asked."""
    return _page(None)


@pages.act("/e-mail/", StaffRole.OPERATOR)
def check_e_mail() -> ResponseReturnValue:
    """Ask name servers about the sender's domain."""
    from notification.mails.dns_check import check  # all of DNS: only when asked

    mails = _transport()
    if mails is None:
        return _page(None)
    settings = container().settings
    findings = check(
        mails.sender.domain,
        server=mails.host,
        signing=mails.signer.published if mails.signer else None,
        bounce_domain=settings.bounce_domain,
        report_to=mails.sender.address,
        servers=settings.dns_servers,
    )
    return _page(findings)


def _transport() -> SmtpTransport | None:
    found = container().transports[ChannelCode.EMAIL]
    return found if isinstance(found, SmtpTransport) else None


def _page(findings: Sequence[Finding] | None) -> str:
    return render_template(
        "pages/e_mail.html",
        mails=_transport(),
        settings=container().settings,
        findings=findings,
    )
