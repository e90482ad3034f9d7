"""What the console's pages are asked for, where it differs from the API."""

import marshmallow as ma
from common.web.fields import Name

from policy_notify.models import (
    NotificationType,
    PaymentEvent,
    PolicyStage,
    PolicyStatus,
    RunStatus,
)
from policy_notify.schemas.fields import ModeField, Schema


class FamilyFilter(Schema):
    """Which families."""

    mode = ModeField()
    region = ma.fields.UUID()
    district = ma.fields.UUID()
    officer = ma.fields.UUID()


class ConsentForm(Schema):
    """A family's consent; a box that is not ticked is not sent."""

    approvalOfNotification = ma.fields.Boolean(load_default=False)  # noqa: N815 - openIMIS's
    languageOfNotification = Name(max_length=16, required=True)  # noqa: N815


class PolicyFilter(Schema):
    """Which policies."""

    chf_id = Name(max_length=50)
    status = ma.fields.Enum(PolicyStatus, by_value=ma.fields.String)
    stage = ma.fields.Enum(PolicyStage, by_value=ma.fields.String)
    officer = ma.fields.UUID()
    expires_from = ma.fields.Date()
    expires_until = ma.fields.Date()


class RunFilter(Schema):
    """Which runs."""

    status = ma.fields.Enum(RunStatus, by_value=ma.fields.String)
    run_date = ma.fields.Date()


class PaymentFilter(Schema):
    """Which reports about payments."""

    type = ma.fields.Enum(PaymentEvent, by_value=ma.fields.String)
    payment = ma.fields.UUID()
    family = ma.fields.UUID()


class DryRunFilter(Schema):
    """A dry run: for which day, and what of it is shown."""

    date = ma.fields.Date()
    type = ma.fields.Enum(NotificationType, by_value=ma.fields.String)
    rejected = ma.fields.Boolean(load_default=False)
