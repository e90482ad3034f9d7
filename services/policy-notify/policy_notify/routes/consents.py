"""Consent: `/families/<uuid>/notification/`, and openIMIS's mutations at `/mutations/`."""

import uuid
from typing import Any

from common.web.api import Blueprint
from common.web.preconditions import check_if_match
from common.web.single import single
from flask.views import MethodView

from policy_notify.container import container
from policy_notify.errors import UnknownRecord
from policy_notify.intake.consents import Consents
from policy_notify.models import FamilyConsent
from policy_notify.routes.locations import PREFIX
from policy_notify.schemas.consents import (
    ConsentOut,
    MutationIn,
    MutationOut,
    NotificationDataIn,
)

blp = Blueprint("consent", __name__, url_prefix=PREFIX)


def _consents() -> Consents:
    return Consents(container().settings.languages)


@blp.route("/families/<uuid:family>/notification/")
class Notification(MethodView):
    """One family's consent."""

    @blp.scope("policy:read")
    @blp.response(200, single(ConsentOut))
    def get(self, family: uuid.UUID) -> FamilyConsent:
        """Read a family's consent."""
        with container().database.reading() as session:
            return Consents.of(session, family)

    @blp.scope("policy:write")
    @blp.arguments(NotificationDataIn)
    @blp.response(201, single(ConsentOut))
    def post(self, given: dict[str, Any], family: uuid.UUID) -> FamilyConsent:
        """Create a family's consent, once; by default it denies, in the first language."""
        consents = _consents()
        changes = consents.read(given)
        with container().database.writing() as session:
            return consents.create(session, family, changes)

    @blp.if_match
    @blp.scope("policy:write")
    @blp.arguments(NotificationDataIn)
    @blp.response(200, single(ConsentOut))
    def patch(self, given: dict[str, Any], family: uuid.UUID) -> FamilyConsent:
        """Change what is given; a family without consent gets one first."""
        consents = _consents()
        changes = consents.read(given)
        with container().database.writing() as session:
            check_if_match(session, FamilyConsent, family=family)
            return consents.update(session, family, changes)

    @blp.if_match
    @blp.scope("policy:write")
    @blp.response(200, single(ConsentOut))
    def delete(self, family: uuid.UUID) -> FamilyConsent:
        """Back to the defaults; the consent of a family that has ended ends too."""
        with container().database.writing() as session:
            check_if_match(session, FamilyConsent, family=family)
            consent = _consents().delete(session, family)
        if consent is None:
            raise UnknownRecord("consent")
        return consent


@blp.route("/mutations/", methods=["POST"])
@blp.scope("policy:write")
@blp.arguments(MutationIn)
@blp.response(200, MutationOut)
def mutate(given: dict[str, Any]) -> dict[str, Any]:
    """Act on a Create-, Update- or DeleteFamilies-mutation, as openIMIS signals it."""
    with container().database.writing() as session:
        families = _consents().mutate(session, given["mutation_class"], given["data"])
    return {"ok": True, "families": families}
