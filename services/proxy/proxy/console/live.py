"""`/admin/mediator/transactions/live/`: the list's rows as they change, by server-sent events.

Event `rows` brings table rows, each with the id of its call; `gone` the ids of rows that no longer
meet the filter; `over` says that the viewer has to come in again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from common.console.forms import read_filters
from common.console.guard import console
from common.errors import Invalid
from common.texts import _
from flask import Response, current_app, g, render_template, request
from flask.typing import ResponseReturnValue

from proxy.console import reach
from proxy.console.blueprint import pages
from proxy.console.sessions import StaffSession
from proxy.container import container
from proxy.record.live_feed import Change, Viewer
from proxy.schemas.transactions import Filter

#: How soon a stream notices that its session has ended, or that nobody listens any more.
CHECK_EVERY_S = 0.9


@pages.page("/mediator/transactions/live/")
def live() -> ResponseReturnValue:
    """The stream for one open list."""
    filters = read_filters(Filter())
    if filters.errors:
        raise Invalid(_("The filters cannot be read"), dict(filters.errors))
    feed = container().live_feed
    viewer = feed.watch(reach.viewing(**filters.values))
    app, environ = current_app._get_current_object(), request.environ  # type: ignore[attr-defined]
    # Each event has the request's context for itself: one does not stay open for hours.
    events = _events(viewer, g.staff, lambda: app.request_context(environ))
    answer = Response(events, mimetype="text/event-stream")
    answer.call_on_close(lambda: feed.leave(viewer))
    return answer


def _events(
    viewer: Viewer, staff: StaffSession, context: Callable[[], AbstractContextManager[Any]]
) -> Iterator[str]:
    yield ": welcome\n\n"
    checked = time.monotonic()
    while not viewer.is_over:
        change = viewer.next(CHECK_EVERY_S)
        if time.monotonic() - checked >= CHECK_EVERY_S:
            with context():
                may_stay = _may_stay(staff)
            if not may_stay:
                yield _event("over", "")
                return
            checked = time.monotonic()
            yield ": still here\n\n"
        if change is not None:
            with context():
                g.staff = staff
                events = _events_of(change)
            yield events


def _may_stay(before: StaffSession) -> bool:
    """Whether the session still stands, with the same rights as at the beginning."""
    now = console().staff_source()
    if not isinstance(now, StaffSession):
        return False
    return (now.held, now.reach) == (before.held, before.reach)


def _events_of(change: Change) -> str:
    gone = _event("gone", " ".join(map(str, change.gone))) if change.gone else ""
    rows = render_template("pages/call_rows.html", rows=change.calls) if change.calls else ""
    return gone + (_event("rows", rows) if rows else "")


def _event(name: str, data: str) -> str:
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
