"""`/admin/esb/exchanges/`: the log of every exchange with the bus."""

import uuid

from common.console.csv_export import Column
from common.console.forms import choices, read_filters
from common.console.listing import listing
from flask import render_template
from flask.typing import ResponseReturnValue

from esb_relay.console.blueprint import pages
from esb_relay.console.reading import read, rows_of
from esb_relay.engine.exchanges import ExchangeFilter, existing_exchange, matching
from esb_relay.models import Direction, Exchange, ExchangeMode, ExchangeStatus
from esb_relay.schemas.exchanges import Filter

#: The gateway asks under this name; the correlation id of its calls is their transaction's.
GATEWAY = "kiungo-proxy"

COLUMNS = (
    Column("Id", lambda one: one.id),
    Column("Started", lambda one: one.started_at),
    Column("Status", lambda one: one.status),
    Column("Direction", lambda one: one.direction),
    Column("Mode", lambda one: one.mode),
    Column("Code", lambda one: one.code),
    Column("Organization", lambda one: one.organization),
    Column("Caller", lambda one: one.caller),
    Column("Verified by", lambda one: one.verified_by),
    Column("Key", lambda one: one.kid),
    Column("Reason", lambda one: one.error),
    Column("HTTP status", lambda one: one.http_status),
    Column("Attempts", lambda one: one.attempts),
    Column("Engine (ms)", lambda one: one.engine_ms),
    Column("Duration (ms)", lambda one: one.duration_ms),
    Column("Request id", lambda one: one.request_id),
    Column("Correlation id", lambda one: one.correlation_id),
    Column("Request SHA-256", lambda one: one.request_digest),
    Column("Answer SHA-256", lambda one: one.answer_digest),
)


@pages.page("/exchanges/")
def exchanges() -> ResponseReturnValue:
    """The exchanges that meet the filters, newest first, without their bodies."""
    filters = read_filters(Filter())
    wanted = matching(ExchangeFilter(**filters.values))

    return listing(
        "pages/exchanges.html",
        rows_of(lambda: wanted, Exchange.id),
        filters,
        csv_name="exchanges",
        columns=COLUMNS,
        statuses=choices(ExchangeStatus),
        directions=choices(Direction),
        modes=choices(ExchangeMode),
    )


@pages.page("/exchanges/<uuid:exchange_id>/")
def exchange(exchange_id: uuid.UUID) -> ResponseReturnValue:
    """One exchange with everything that is on record."""
    found = read(lambda session: existing_exchange(session, exchange_id))
    has_transaction = found.caller == GATEWAY
    return render_template("pages/exchange.html", exchange=found, has_transaction=has_transaction)
