"""What the console's forms for alerts send, where it differs from the API."""

from typing import Any

import marshmallow as ma
from common.texts import _
from common.web.fields import Name

from proxy.alerts.messages import EMAIL, SMS, WEBHOOK
from proxy.schemas.alerts import LONGEST_S, ContactIn, GroupIn, RuleIn, WindowIn
from proxy.schemas.form_fields import Chosen, Lines, Whole


class AlertRuleForm(RuleIn):
    """A rule, all but whether it is in use: that has a button of its own."""

    percentile = Whole(low=1, high=99, load_default=95)
    window_s = Whole(low=60, high=LONGEST_S, load_default=300)
    least_calls = Whole(low=1, high=1_000_000, load_default=5)
    quiet_s = Whole(high=7 * LONGEST_S, load_default=0)
    escalate_after_s = Whole(high=7 * LONGEST_S, load_default=0)
    group_id = Chosen(load_default=None)
    escalation_group_id = Chosen(load_default=None)

    class Meta:
        exclude = ("is_active",)


class GroupForm(GroupIn):
    """A contact group: a contact a line, a number, an e-mail address, or `webhook NAME`."""

    contacts = Lines(Name(max_length=140), load_default=list)

    @ma.pre_dump
    def _as_lines(self, group: Any, **_kwargs: Any) -> dict[str, Any]:
        lines = [
            f"webhook {one['address']}" if one["kind"] == WEBHOOK else one["address"]
            for one in group.contacts
        ]
        return {"name": group.name, "contacts": lines, "reports": group.reports}

    @ma.post_load
    def _as_contacts(self, given: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        try:
            given["contacts"] = [ContactIn().load(_contact(one)) for one in given["contacts"]]
        except ma.ValidationError:
            reason = _("Each line is a number, an e-mail address, or webhook and a name.")
            raise ma.ValidationError(reason, "contacts") from None
        return given


def _contact(line: str) -> dict[str, str]:
    if line.startswith("webhook "):
        return {"kind": WEBHOOK, "address": line.removeprefix("webhook ").strip()}
    return {"kind": EMAIL if "@" in line else SMS, "address": line}


class WindowForm(WindowIn):
    """A maintenance window as typed."""
