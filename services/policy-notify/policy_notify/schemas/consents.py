"""A family's consent on the wire, with openIMIS's member names."""

import marshmallow as ma
from common.web.fields import Flag, JsonObject, Moment, Name, Tag

from policy_notify.schemas.fields import Schema


class NotificationDataIn(Schema):
    """openIMIS's `notification_data`; what is missing or null stays, or takes its default."""

    approvalOfNotification = Flag(allow_none=True, metadata={"example": True})  # noqa: N815 - openIMIS's
    languageOfNotification = Name(max_length=16, allow_none=True, metadata={"example": "en"})  # noqa: N815


class ConsentOut(Schema):
    """A family's consent."""

    family = ma.fields.UUID(required=True)
    etag = Tag()
    approvalOfNotification = ma.fields.Boolean(required=True, attribute="approval")  # noqa: N815
    languageOfNotification = ma.fields.String(required=True, attribute="language")  # noqa: N815
    validity_from = Moment(required=True)
    validity_to = Moment(required=True, allow_none=True)


class MutationIn(Schema):
    """A mutation as openIMIS signals it; `data` is described in the service's README."""

    mutation_class = Name(
        max_length=64, required=True, metadata={"example": "UpdateFamilyMutation"}
    )
    data = JsonObject(
        required=True, metadata={"example": {"uuid": "01900000-0000-7000-8000-000000000001"}}
    )


class MutationOut(Schema):
    """Which families it concerned."""

    ok = ma.fields.Boolean(required=True)
    families = ma.fields.List(ma.fields.UUID(), required=True)
