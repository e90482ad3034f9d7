"""`/admin/notification/unreachable/`: people whose numbers and addresses fail for good."""

import uuid

from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import read_filters
from common.console.listing import listing
from common.console.staff import StaffRole
from common.texts import _
from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from notification.console.blueprint import pages
from notification.console.reading import choices, rows_of
from notification.container import container
from notification.models import ActorType, AddressFailure, Channel
from notification.outbox.reach import FailureFilter, matching, try_again
from notification.schemas.reach import UnreachableArgs

CSV = (
    Column("User", lambda row: row.user_id),
    Column("Actor type", lambda row: row.actor_type),
    Column("Channel", lambda row: row.channel),
    Column("Address", lambda row: row.address),
    Column("Failures", lambda row: row.failures),
    Column("Reason", lambda row: row.reason),
    Column("Last", lambda row: row.last_at),
)


@pages.page("/unreachable/")
def unreachable() -> ResponseReturnValue:
    """The addresses that meet the filters, newest first."""
    filters = read_filters(UnreachableArgs(exclude=["limit", "cursor"]))
    skipped_after = container().settings.skipped_after
    return listing(
        "pages/unreachable.html",
        rows_of(
            lambda: matching(FailureFilter(**filters.values), skipped_after), AddressFailure.id
        ),
        filters,
        csv_name="unreachable",
        columns=CSV,
        skipped_after=skipped_after,
        actor_types=choices(ActorType),
        channels=choices(Channel),
    )


@pages.act("/unreachable/<uuid:address_id>/try-again/", StaffRole.OPERATOR)
def try_address_again(address_id: uuid.UUID) -> ResponseReturnValue:
    """Forget an address's failures."""
    with container().database.writing() as session:
        try_again(session, address_id)
    flash(_("The next message goes there."))
    return redirect(url_for("console.unreachable"), 303)
