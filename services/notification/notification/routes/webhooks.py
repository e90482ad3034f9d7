"""`/api/notification/webhooks/`: where recipients that are systems listen."""

import uuid
from typing import Any

from common.web.api import Blueprint
from common.web.paging import Page, fetch_page, page_schema
from common.web.preconditions import check_if_match
from common.web.single import single
from flask.views import MethodView

from notification.container import container
from notification.models import Webhook
from notification.routes.locations import LOCATION, PREFIX, location
from notification.schemas.webhooks import NewSecretOut, WebhookArgs, WebhookIn, WebhookOut
from notification.webhooks import subscriptions

blp = Blueprint("webhooks", __name__, url_prefix=f"{PREFIX}/webhooks")

READ, ADMIN = "notification:read", "notification:admin"
WEBHOOK, NEW_SECRET = single(WebhookOut), single(NewSecretOut)


@blp.route("/")
class Webhooks(MethodView):
    """All webhooks."""

    @blp.scope(READ)
    @blp.arguments(WebhookArgs, location="query")
    @blp.response(200, page_schema(WebhookOut))
    def get(self, query: dict[str, Any]) -> Page[Webhook]:
        """List webhooks, newest first."""
        page = {name: query.pop(name) for name in ("limit", "cursor")}
        with container().database.reading() as session:
            return fetch_page(session, subscriptions.matching(query), Webhook.id, **page)

    @blp.scope(ADMIN)
    @blp.arguments(WebhookIn)
    @blp.response(201, NEW_SECRET, headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[subscriptions.WithSecret, dict[str, str]]:
        """Say where a recipient listens; a recipient has one webhook. Its secret is told once."""
        seal = container().settings.required_webhook_seal
        with container().database.writing() as session:
            made = subscriptions.create_webhook(session, seal, given)
        return made, location("webhooks", made.webhook.id)


@blp.route("/<uuid:webhook_id>/")
class OneWebhook(MethodView):
    """One webhook, by its `id`."""

    @blp.scope(READ)
    @blp.response(200, WEBHOOK)
    def get(self, webhook_id: uuid.UUID) -> Webhook:
        """Read a webhook."""
        with container().database.reading() as session:
            return subscriptions.existing_webhook(session, webhook_id)

    @blp.if_match
    @blp.scope(ADMIN)
    @blp.arguments(WebhookIn(only=["url", "is_active"], partial=True), example={"is_active": True})
    @blp.response(200, WEBHOOK)
    def patch(self, changes: dict[str, Any], webhook_id: uuid.UUID) -> Webhook:
        """Change what is given; `is_active: false` takes it out of use."""
        with container().database.writing() as session:
            check_if_match(session, Webhook, id=webhook_id)
            return subscriptions.change_webhook(session, webhook_id, changes)


@blp.route("/<uuid:webhook_id>/secret/", methods=["POST"])
@blp.scope(ADMIN)
@blp.response(200, NEW_SECRET)
def renew_webhook_secret(webhook_id: uuid.UUID) -> subscriptions.WithSecret:
    """Give it another secret, which is told once; the former one signs nothing any more."""
    seal = container().settings.required_webhook_seal
    with container().database.writing() as session:
        return subscriptions.renew_secret(session, seal, webhook_id)
