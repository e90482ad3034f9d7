"""`/admin/notification/`: how the outbox stands, the ways out, what was refused last."""

from common.clock import utc_now
from flask import render_template
from flask.typing import ResponseReturnValue

from notification.console.blueprint import pages
from notification.messages import MessageFilter, matching
from notification.models import ChannelCode, MessageStatus, OutboxMessage
from notification.parts import parts
from notification.standing import MOST_COUNTED, standing
from notification.transports.not_set_up import NotSetUp

_FAILURES_SHOWN = 10


@pages.page("/")
def overview() -> ResponseReturnValue:
    """The outbox at this moment."""
    now, refused = utc_now(), MessageFilter(status=MessageStatus.FAILED)
    newest = matching(refused, now).order_by(OutboxMessage.id.desc()).limit(_FAILURES_SHOWN)
    with parts().database.reading() as session:
        stands, failures = standing(session, now), session.scalars(newest).all()
    return render_template(
        "pages/overview.html",
        standing=stands,
        most_counted=MOST_COUNTED,
        now=now,
        failures=failures,
        ways={channel: _is_open(channel) for channel in ChannelCode},
    )


def _is_open(channel: ChannelCode) -> bool:
    return not isinstance(parts().transports.get(channel), NotSetUp)
