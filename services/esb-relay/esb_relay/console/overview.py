"""`/admin/esb/`: how the exchanges of the last day ended."""

from datetime import timedelta

from common.clock import utc_now
from flask import render_template
from flask.typing import ResponseReturnValue

from esb_relay.console.blueprint import pages
from esb_relay.console.reading import read
from esb_relay.engine.exchanges import counts_since, latest_troubles

_SPAN = timedelta(days=1)
_TROUBLES_SHOWN = 10


@pages.page("/")
def overview() -> ResponseReturnValue:
    """The last day's exchanges by their end, and the latest that did not succeed."""
    since = utc_now() - _SPAN
    counts = read(lambda session: counts_since(session, since))
    troubles = read(lambda session: latest_troubles(session, _TROUBLES_SHOWN))
    return render_template("pages/overview.html", counts=counts, since=since, troubles=troubles)
