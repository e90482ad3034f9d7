"""`/admin/notification/`: how the outbox stands, the transports, what was refused last."""

from common.clock import utc_now
from common.console.flashes import flash
from common.console.staff import StaffRole
from common.errors import NotFound
from common.texts import _
from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from notification.console.blueprint import pages
from notification.container import container
from notification.models import ChannelCode, MessageStatus, OutboxMessage
from notification.outbox.backlog import MOST_COUNTED, backlog
from notification.outbox.messages import MessageFilter, matching
from notification.outbox.transports import in_trouble, open_transport
from notification.transports.not_set_up import NotSetUp

_FAILURES_SHOWN = 10


@pages.page("/")
def overview() -> ResponseReturnValue:
    """The outbox at this moment."""
    now, refused = utc_now(), MessageFilter(status=MessageStatus.FAILED)
    newest = matching(refused, now).order_by(OutboxMessage.id.desc()).limit(_FAILURES_SHOWN)
    with container().database.reading() as session:
        stands, failures = backlog(session, now), session.scalars(newest).all()
        troubled = in_trouble(session)
    return render_template(
        "pages/overview.html",
        backlog=stands,
        most_counted=MOST_COUNTED,
        now=now,
        failures=failures,
        troubled=troubled,
        transports={channel: _is_open(channel) for channel in ChannelCode},
    )


@pages.act("/transports/<string:channel>/<string:provider>/open/", StaffRole.OPERATOR)
def open_closed_transport(channel: str, provider: str) -> ResponseReturnValue:
    """Open a way at once: what closed it is mended."""
    if channel not in set(ChannelCode):
        raise NotFound(_("No such transport"))
    with container().database.writing() as session:
        open_transport(session, ChannelCode(channel), provider)
    container().wake_up.send()
    flash(_("The transport is open again."))
    return redirect(url_for("console.overview"), 303)


def _is_open(channel: ChannelCode) -> bool:
    return not isinstance(container().transports.get(channel), NotSetUp)
