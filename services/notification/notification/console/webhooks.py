"""`/admin/notification/webhooks/`: where recipients that are systems listen."""

import uuid

from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import Form, read_filters, read_form
from common.console.listing import listing
from common.console.staff import StaffRole
from common.errors import Invalid
from common.texts import _
from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from notification.console.blueprint import pages
from notification.console.forms import UseForm, WebhookForm
from notification.console.reading import choices, rows_of
from notification.console.saving import save
from notification.container import container
from notification.models import ActorType, Webhook
from notification.schemas.webhooks import WebhookArgs
from notification.webhooks import subscriptions

CSV = (
    Column("User", lambda row: row.user_id),
    Column("Actor type", lambda row: row.actor_type),
    Column("Address", lambda row: row.url),
    Column("In use", lambda row: row.is_active),
    Column("Why not", lambda row: row.stopped_reason),
    Column("Changed", lambda row: row.updated_at),
)


@pages.page("/webhooks/")
def webhooks() -> ResponseReturnValue:
    """The webhooks that meet the filters, newest first."""
    filters = read_filters(WebhookArgs(exclude=["limit", "cursor"]))
    return listing(
        "pages/webhooks.html",
        rows_of(lambda: subscriptions.matching(filters.values), Webhook.id),
        filters,
        csv_name="webhooks",
        columns=CSV,
        actor_types=choices(ActorType),
    )


@pages.page("/webhooks/new/", StaffRole.ADMIN)
def new_webhook() -> ResponseReturnValue:
    """The form of a webhook to come."""
    return _new(Form())


@pages.act("/webhooks/new/", StaffRole.ADMIN)
def create_webhook() -> ResponseReturnValue:
    """Say where a recipient listens; the page shows the secret, this once."""
    form = read_form(WebhookForm())
    seal = container().settings.required_webhook_seal

    def create(session: Session) -> subscriptions.WithSecret:
        try:
            return subscriptions.create_webhook(session, seal, form.values)
        except IntegrityError as exc:
            taken = _("This recipient has a webhook.")
            raise Invalid(taken, {"user_id": [taken]}) from exc

    form, made = save(form, create)
    return (_new(form), 422) if made is None else _new(Form(), made)


@pages.act("/webhooks/<uuid:webhook_id>/use/", StaffRole.ADMIN)
def use_webhook(webhook_id: uuid.UUID) -> ResponseReturnValue:
    """Take a webhook into use, or out of it."""
    form = read_form(UseForm())
    with container().database.writing() as session:
        changed = subscriptions.change_webhook(session, webhook_id, form.values)
    is_active = changed.is_active
    flash(_("The webhook is in use.") if is_active else _("The webhook is out of use."))
    return redirect(url_for("console.webhooks"), 303)


def _new(form: Form, made: subscriptions.WithSecret | None = None) -> str:
    return render_template(
        "pages/webhook_new.html",
        form=form,
        made=made,
        actor_types=choices(ActorType),
        is_set_up=container().webhooks is not None,
    )
