"""`/api/notification/templates/`: an event's words by channel and language."""

from typing import Any

from common.web.paging import Page, fetch_page, page_schema
from common.web.preconditions import check_if_match
from common.web.single import single
from flask.views import MethodView

from notification.catalogue import templates
from notification.catalogue.filters import matching
from notification.container import container
from notification.django_mediator.ids import record_id
from notification.emit.preview import Preview, preview
from notification.models import Template
from notification.routes.locations import LOCATION, PREFIX, location, path_id
from notification.routes.written_json import WrittenBlueprint
from notification.schemas.templates import (
    PreviewIn,
    PreviewOut,
    TemplateArgs,
    TemplateIn,
    TemplateOut,
)

blp = WrittenBlueprint("templates", __name__, url_prefix=f"{PREFIX}/templates")

READ, ADMIN = "notification:read", "notification:admin"
TEMPLATE = single(TemplateOut)


@blp.route("/")
class Templates(MethodView):
    """All versions of all templates."""

    @blp.scope(READ)
    @blp.arguments(TemplateArgs, location="query")
    @blp.response(200, page_schema(TemplateOut))
    def get(self, query: dict[str, Any]) -> Page[Template]:
        """List templates, newest first."""
        with container().database.reading() as session:
            return fetch_page(session, matching(Template, query), Template.id, **query)

    @blp.scope(ADMIN)
    @blp.arguments(TemplateIn)
    @blp.response(201, TEMPLATE, headers=LOCATION)
    def post(self, given: dict[str, Any]) -> tuple[Template, dict[str, str]]:
        """Write an event's words for a channel in a language, or their next version."""
        with container().database.writing() as session:
            template = templates.add_template(session, given)
        return template, location("templates", template.id)


@blp.route("/<string:template_id>/", parameters=[path_id("template_id")])
class OneTemplate(MethodView):
    """One version, by its `id`."""

    @blp.scope(READ)
    @blp.response(200, TEMPLATE)
    def get(self, template_id: str) -> Template:
        """Read a template."""
        with container().database.reading() as session:
            known_as = record_id(session, "template", template_id)
            return templates.existing_template(session, known_as)

    @blp.if_match
    @blp.scope(ADMIN)
    @blp.arguments(
        TemplateIn(only=[*templates.SHAPING, "is_active"], partial=True),
        example={"is_active": True},
    )
    @blp.response(200, TEMPLATE)
    def patch(self, changes: dict[str, Any], template_id: str) -> Template:
        """Changed words are a new version, which is answered; `is_active` changes in place."""
        with container().database.writing() as session:
            known_as = record_id(session, "template", template_id)
            check_if_match(session, Template, id=known_as)
            return templates.change_template(session, known_as, changes)


@blp.route("/preview/", methods=["POST"])
@blp.scope(READ)
@blp.arguments(PreviewIn)
@blp.response(200, single(PreviewOut))
def preview_template(given: dict[str, Any]) -> Preview:
    """Show the words as they would be sent, and how an SMS of them travels."""
    context, template_id = given.pop("context"), given.pop("template_id")
    settings = container().settings
    shown = settings.sms_prices, settings.mail_frame
    if template_id is None:
        return preview(Template(**given), context, *shown)
    with container().database.reading() as session:
        return preview(templates.existing_template(session, template_id), context, *shown)
