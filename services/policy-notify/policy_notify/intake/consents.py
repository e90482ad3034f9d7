"""Consent and language per family: openIMIS's three mutations, and the same acts over REST."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.clock import utc_now
from common.errors import Invalid
from common.texts import _
from common.web.fields import check_storable
from sqlalchemy import select
from sqlalchemy.orm import Session

from policy_notify.errors import BadConsent, ConsentExists, UnknownRecord
from policy_notify.intake.waiting_consents import keep_waiting
from policy_notify.models import Family, FamilyConsent, Insuree
from policy_notify.read_model.existing import existing

APPROVAL = "approvalOfNotification"
LANGUAGE = "languageOfNotification"
CONTRIBUTION = "PolicyNotification"


@dataclass(frozen=True)
class Changes:
    """What of a consent is to change; None: nothing."""

    approval: bool | None = None
    language: str | None = None


class Consents:
    """The acts on consents, with the languages that messages can be written in."""

    def __init__(self, languages: tuple[str, ...]) -> None:
        self._languages = languages

    def read(self, notification_data: Any) -> Changes:
        """Check `{"approvalOfNotification": bool, "languageOfNotification": code}`.

        Either key may be missing, or null, which says the same. JSON text will do. Raises
        BadConsent, which names the key.
        """
        notification_data = _parsed(notification_data)
        if not isinstance(notification_data, Mapping):
            raise BadConsent(CONTRIBUTION, _("Not an object."))
        for key in notification_data:
            if key not in (APPROVAL, LANGUAGE):
                raise BadConsent(str(key)[:64], _("Unknown field."))
        approval = notification_data.get(APPROVAL)
        if approval is not None and not isinstance(approval, bool):
            raise BadConsent(APPROVAL, _("Not true or false."))
        language = notification_data.get(LANGUAGE)
        if language is not None and language not in self._languages:
            raise BadConsent(
                LANGUAGE, _("Not one of %(languages)s.", languages=", ".join(self._languages))
            )
        return Changes(approval, language)

    def mutate(
        self, session: Session, mutation_class: Any, data: Any, *, waits: bool = False
    ) -> list[uuid.UUID]:
        """Do what openIMIS signals; returns the families concerned.

        `waits`: for a family that is not there yet the consent is kept until it is. Raises Invalid,
        BadConsent, UnknownRecord, ConsentExists.
        """
        acts = {
            "CreateFamilyMutation": self._on_create,
            "UpdateFamilyMutation": self._on_update,
            "DeleteFamiliesMutation": self._on_delete,
        }
        act = acts.get(mutation_class) if isinstance(mutation_class, str) else None
        if act is None:
            known = f"Not one of {', '.join(acts)}."
            raise Invalid(_("Unknown mutation_class"), {"mutation_class": [known]})
        data = _parsed(data)
        if not isinstance(data, Mapping):
            raise Invalid(_("data is not an object"), {"data": [_("Not an object.")]})
        return act(session, data, waits)

    def _on_create(self, session: Session, data: Mapping[str, Any], waits: bool) -> list[uuid.UUID]:
        changes = self.read(_contribution(data) or {})
        head = data.get("head_insuree")
        if not (isinstance(head, Mapping) and head.get("chf_id") is not None):
            family = _uuid(data.get("uuid"), "data.uuid")
            self.create(session, family, changes, waits=waits)
            return [family]
        try:
            family = self._family_of_head(session, head["chf_id"])
        except UnknownRecord:
            if not waits or not _is_chf_id(head["chf_id"]):
                raise
            keep_waiting(session, head["chf_id"], changes.approval, changes.language)
            return []
        self.create(session, family, changes)
        return [family]

    def _on_update(self, session: Session, data: Mapping[str, Any], waits: bool) -> list[uuid.UUID]:
        family = _uuid(data.get("uuid"), "data.uuid")
        contribution = _contribution(data)
        if not contribution:
            return []
        self.update(session, family, self.read(contribution), waits=waits)
        return [family]

    def _on_delete(
        self, session: Session, data: Mapping[str, Any], _waits: bool
    ) -> list[uuid.UUID]:
        given = data.get("uuids")
        if not isinstance(given, list):
            raise Invalid(_("data.uuids is not a list"), {"data": {"uuids": [_("Not a list.")]}})
        asked = [_uuid(one, "data.uuids") for one in given]
        families = [one for one in asked if session.get(Family, one) is not None]
        for family in families:
            self.delete(session, family)
        return families

    @staticmethod
    def _family_of_head(session: Session, chf_id: Any) -> uuid.UUID:
        if not isinstance(chf_id, str):
            name = "data.head_insuree.chf_id"
            raise Invalid(_("%(name)s: not a text", name=name), {name: [_("Not a valid string.")]})
        if "\x00" in chf_id:
            raise UnknownRecord("family")
        found = session.scalar(
            select(Family.uuid)
            .join(Insuree, Insuree.uuid == Family.head)
            .where(Insuree.chf_id == chf_id)
            .order_by(Family.validity_to.is_not(None), Family.uuid)
        )
        if found is None:
            raise UnknownRecord("family")
        return found

    def create(
        self, session: Session, family: uuid.UUID, changes: Changes, *, waits: bool = False
    ) -> FamilyConsent:
        """A consent, by default denied and in the first language; one that has ended begins anew.

        `waits`: the family may come later. Raises UnknownRecord, ConsentExists.
        """
        if not waits:
            existing(session, Family, family)
        consent = session.get(FamilyConsent, family, with_for_update=True)
        if consent is None:
            consent = FamilyConsent(family=family)
            session.add(consent)
        elif consent.validity_to is None:
            raise ConsentExists
        consent.approval = bool(changes.approval)
        consent.language = changes.language or self._languages[0]
        consent.validity_from, consent.validity_to = utc_now(), None
        session.flush()
        return consent

    def update(
        self, session: Session, family: uuid.UUID, changes: Changes, *, waits: bool = False
    ) -> FamilyConsent:
        """Change what is given; a family without consent gets one first. Raises UnknownRecord."""
        consent = session.get(FamilyConsent, family, with_for_update=True)
        if consent is None or consent.validity_to is not None:
            return self.create(session, family, changes, waits=waits)
        if changes != Changes():
            consent.validity_from = utc_now()
        if changes.approval is not None:
            consent.approval = changes.approval
        if changes.language is not None:
            consent.language = changes.language
        return consent

    def delete(self, session: Session, family: uuid.UUID) -> FamilyConsent | None:
        """Back to the defaults; the consent of a family that has ended ends too.

        None when there was no consent. Raises UnknownRecord.
        """
        has_ended = existing(session, Family, family).validity_to is not None
        consent = session.get(FamilyConsent, family, with_for_update=True)
        if consent is None:
            return None
        if has_ended:
            consent.validity_to = consent.validity_to or utc_now()
        else:
            consent.approval, consent.language = False, self._languages[0]
            consent.validity_from = utc_now()
        return consent

    @staticmethod
    def of(session: Session, family: uuid.UUID) -> FamilyConsent:
        """A family's consent, ended ones too. Raises UnknownRecord."""
        existing(session, Family, family)
        return existing(session, FamilyConsent, family, "consent")


def _contribution(data: Mapping[str, Any]) -> Any:
    contribution = _parsed(data.get("contribution")) or {}
    if not isinstance(contribution, Mapping):
        raise Invalid(_("contribution is not an object"), {"contribution": [_("Not an object.")]})
    return contribution.get(CONTRIBUTION)


def _parsed(value: Any) -> Any:
    """What JSON text says, as openIMIS's front end sends it; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return value
    check_storable(parsed)
    return parsed


def _is_chf_id(text: str) -> bool:
    return bool(text.strip()) and len(text) <= 50


def _uuid(value: Any, field: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except (ValueError, TypeError, AttributeError) as exc:
        raise Invalid(
            _("%(field)s: not a uuid", field=field), {field: [_("Not a valid UUID.")]}
        ) from exc
