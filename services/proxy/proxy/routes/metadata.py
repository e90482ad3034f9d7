"""`/api/proxy/metadata/`: everything that is configured as one document, out and in."""

from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from common.web.api import Blueprint
from common.web.paging import Page, page_schema
from common.web.tokens import held_scopes
from flask.views import MethodView

from proxy.container import container
from proxy.metadata.applying import Finding, apply_document, check_applied
from proxy.metadata.documents import export_all
from proxy.routes.locations import PREFIX
from proxy.schemas.metadata import ApplyArgs, FindingOut, MetadataDocument

blp = Blueprint("metadata", __name__, url_prefix=f"{PREFIX}/metadata")


@dataclass(frozen=True)
class Findings(Page[Finding]):
    """What becomes of each record, and whether it was done."""

    applied: bool = False


@blp.route("/")
class Metadata(MethodView):
    """Mediators, channels, clients, registrations and staff, without secrets."""

    @blp.scope("proxy:admin")
    @blp.response(200, MetadataDocument)
    def get(self) -> dict[str, Any]:
        """Export everything as a document that can be kept, compared and applied elsewhere."""
        with container().database.reading() as session:
            return export_all(session)

    @blp.scope("proxy:admin")
    @blp.arguments(ApplyArgs, location="query")
    @blp.arguments(MetadataDocument)
    @blp.response(200, page_schema(FindingOut, applied=ma.fields.Boolean(required=True)))
    def post(self, asked: dict[str, Any], document: dict[str, Any]) -> Findings:
        """Let this installation be as a document says: all of it, or nothing.

        Records that are only here stay, and so does every secret. Nobody gives what they do not
        hold. A record that does not fit is 422, naming each.
        """
        is_dry_run = asked["dry_run"]
        outcome = apply_document(container(), document, held=held_scopes(), is_dry_run=is_dry_run)
        check_applied(outcome)
        return Findings(outcome.findings, None, applied=outcome.is_applied)
