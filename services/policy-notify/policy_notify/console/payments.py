"""`/admin/policy-notification/payments/`: what was reported of payments, and what was sent."""

from common.console.csv_export import Column
from common.console.forms import choices, read_filters
from common.console.listing import listing
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import defer

from policy_notify.console.blueprint import pages
from policy_notify.console.reading import rows_of
from policy_notify.models import PaymentEvent, PaymentNotice
from policy_notify.schemas import forms

COLUMNS = (
    Column("Reported", lambda one: one.created_at),
    Column("Event", lambda one: one.type),
    Column("Payment", lambda one: one.payment),
    Column("Family", lambda one: one.family),
    Column("Status", lambda one: one.status.name.lower()),
    Column("Reason", lambda one: one.reason),
    Column("Provider", lambda one: one.provider),
    Column("Attempt", lambda one: one.attempt),
)


@pages.page("/payments/")
def payments() -> ResponseReturnValue:
    """The reports that meet the filters, newest first; the messages' words stay where they are."""
    filters = read_filters(forms.PaymentFilter())
    personal = (PaymentNotice.message, PaymentNotice.variables, PaymentNotice.facts)
    query = select(PaymentNotice).options(*map(defer, personal)).filter_by(**filters.values)
    return listing(
        "pages/payments.html",
        rows_of(lambda: query, PaymentNotice.id),
        filters,
        csv_name="payments",
        columns=COLUMNS,
        events=choices(PaymentEvent),
    )
