"""A service's page of events that could not be handled: to look at, send again, drop.

add_dead_letters(pages, lambda: DeadLetters(container().settings, intake.QUEUE))
"""

from collections.abc import Callable

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import Form
from common.console.listing import listing
from common.console.pages import Pages
from common.console.staff import StaffRole
from common.jobs.dead_letters import DeadLetters
from common.texts import _
from common.web.paging import Page

COLUMNS = (
    Column("Key", lambda letter: letter.key),
    Column("Event", lambda letter: letter.event_id),
    Column("Type", lambda letter: letter.type),
    Column("Bytes", lambda letter: letter.size_bytes),
    Column("Sent again", lambda letter: letter.replayed),
)


def add_dead_letters(pages: Pages, kept: Callable[[], DeadLetters]) -> None:
    """Add `dead-letters/` to a service's pages; `kept` are its own."""

    def dead_letters() -> ResponseReturnValue:
        """The events that could not be handled, the oldest first; what they hold is not shown."""
        return listing(
            "console/dead_letters.html",
            lambda _limit, _cursor: Page(kept().all(), None),
            Form(),
            csv_name="dead-letters",
            columns=COLUMNS,
        )

    def replay_dead_letter(key: str) -> ResponseReturnValue:
        """Send an event again."""
        kept().replay(key)
        flash(_("The event is sent again. If it cannot be handled again, it comes back."))
        return redirect(url_for("console.dead_letters"), 303)

    def drop_dead_letter(key: str) -> ResponseReturnValue:
        """Forget an event."""
        kept().drop(key)
        flash(_("The event is dropped."))
        return redirect(url_for("console.dead_letters"), 303)

    one = "/dead-letters/<string(length=16):key>"
    pages.page("/dead-letters/")(dead_letters)
    pages.act(f"{one}/replay/", StaffRole.OPERATOR)(replay_dead_letter)
    pages.act(f"{one}/drop/", StaffRole.OPERATOR)(drop_dead_letter)
