"""`/admin/notification/inbox/`: what a person has been told in the application."""

from common.console.csv_export import Column
from common.console.forms import read_filters
from common.console.listing import listing
from common.web.paging import Page
from flask.typing import ResponseReturnValue

from notification.console.blueprint import pages
from notification.console.forms import InboxFilter
from notification.console.reading import choices, rows_of
from notification.models import ActorType, InAppMessage
from notification.outbox.inbox import matching

CSV = (
    Column("Arrived", lambda message: message.created_at),
    Column("Event", lambda message: message.event_code),
    Column("Actor type", lambda message: message.actor_type),
    Column("Title", lambda message: message.title),
    Column("Words", lambda message: message.body),
    Column("Read", lambda message: message.read_at),
)


@pages.page("/inbox/")
def inbox() -> ResponseReturnValue:
    """A person's in-app messages, newest first; nobody's before a person is named."""
    filters = read_filters(InboxFilter(exclude=["limit", "cursor"]))
    user_id = filters.values.get("user_id")
    fetch = rows_of(lambda: matching(**filters.values), InAppMessage.id)
    return listing(
        "pages/inbox.html",
        fetch if user_id else lambda _limit, _cursor: Page([], None),
        filters,
        csv_name="inbox",
        columns=CSV,
        user_id=user_id,
        actor_types=choices(ActorType),
    )
