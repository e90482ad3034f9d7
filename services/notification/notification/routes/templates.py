"""`/api/notification/templates/`: an event's words by channel and language."""

import uuid
from typing import Any

from common.api import Blueprint
from common.paging import Page, fetch_page, page_schema
from flask.views import MethodView

from notification import templates
from notification.models import Template
from notification.parts import parts
from notification.previewing import Preview, preview
from notification.routes.filters import matching
from notification.routes.locations import LOCATION, PREFIX, location
from notification.schemas.templates import (
    PreviewIn,
    PreviewOut,
    TemplateArgs,
    TemplateIn,
    TemplateOut,
)

blp = Blueprint("templates", __name__, url_prefix=f"{PREFIX}/templates")

READ, ADMIN = "notification:read", "notification:admin"
_COLUMNS = {
    "event_code": Template.event_code,
    "channel": Template.channel,
    "language": Template.language,
    "active": Template.is_active,
}


@blp.route("/")
class Templates(MethodView):
    """All versions of all templates."""

    @blp.scope(READ)
    @blp.arguments(TemplateArgs, location="query")
    @blp.response(200, page_schema(TemplateOut))
    def get(self, query: dict[str, Any]) -> Page[Template]:
        """List templates, newest first."""
        with parts().database.reading() as session:
            return fetch_page(session, matching(Template, _COLUMNS, query), Template.id, **query)

    @blp.scope(ADMIN)
    @blp.arguments(TemplateIn)
    @blp.response(201, TemplateOut, headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[Template, dict[str, str]]:
        """Write an event's words for a channel in a language, or their next version."""
        with parts().database.writing() as session:
            template = templates.add_template(session, given)
        return template, location("templates", template.id)


@blp.route("/<uuid:template_id>/")
class OneTemplate(MethodView):
    """One version, by its `id`."""

    @blp.scope(READ)
    @blp.response(200, TemplateOut)
    def get(self, template_id: uuid.UUID) -> Template:
        """Read a template."""
        with parts().database.reading() as session:
            return templates.existing_template(session, template_id)

    @blp.scope(ADMIN)
    @blp.arguments(TemplateIn(only=["subject", "body", "is_active"], partial=True))
    @blp.response(200, TemplateOut)
    def patch(self, changes: dict[str, Any], template_id: uuid.UUID) -> Template:
        """Changed words are a new version, which is answered; `is_active` changes in place."""
        with parts().database.writing() as session:
            return templates.change_template(session, template_id, changes)


@blp.route("/preview/", methods=["POST"])
@blp.scope(READ)
@blp.arguments(PreviewIn)
@blp.response(200, PreviewOut)
def preview_template(given: dict[str, Any]) -> Preview:
    """Show the words as they would be sent, and how an SMS of them travels."""
    context, template_id = given.pop("context"), given.pop("template_id")
    if template_id is None:
        return preview(Template(**given), context)
    with parts().database.reading() as session:
        return preview(templates.existing_template(session, template_id), context)
