"""This service's domain errors; the statuses they answer with come from `common.web.problems`.

DomainError (common)
├── NotFound
│   ├── UnknownEvent           an event code that is not in the catalogue, or not active
│   └── UnknownRecord          an id or code in a URL names nothing
├── Invalid
│   └── UnknownCode            a field names a code that is not in its vocabulary
├── Conflict
│   ├── MessageStatusForbids   a message stands where this cannot be done to it
│   ├── CampaignStatusForbids  a campaign stands where this cannot be done to it
│   ├── CampaignChanged        a campaign, or its words, are others than were tried out
│   ├── VocabularyClosed       the codes of a vocabulary are those that the service knows
│   ├── WebhooksNotSetUp       nothing seals webhooks' secrets
│   └── WordsForgotten         a message is too old: its words and addresses are gone
├── Unavailable
│   └── ReceiptTooEarly        the message of a receipt may not have its provider's id yet
"""

from common.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from common.texts import N_, _


class UnknownEvent(NotFound):
    """An event code that is not in the catalogue, or not active."""

    def __init__(self) -> None:
        super().__init__(_("Unknown or inactive event_code"))


#: Under which member the id or code that was asked for is answered, by the kind of record.
_ASKED_AS = {
    "outbox": "outbox_id",
    "message": "message_id",
    "rule": "rule_id",
    "address": "address_id",
    "webhook": "webhook_id",
    "campaign": "campaign_id",
    "template": "template_id",
    "event": "event_code",
    "actor type": "actor_type_code",
    "vocabulary": "kind",
    "code": "code",
}


class UnknownRecord(NotFound):
    """An id or code, as it was `asked` for, names nothing.

    `outbox` is a message on its way, `message` one in an inbox: the Django mediator's clients read
    "Outbox not found" and "Message not found".
    """

    def __init__(self, kind: str, asked: object = None) -> None:
        super().__init__(_("%(kind)s not found", kind=_(kind).capitalize()))
        is_named = asked is not None and kind in _ASKED_AS
        self.members = {_ASKED_AS[kind]: str(asked)} if is_named else {}


class UnknownCode(Invalid):
    """A field names a code that is not in its vocabulary."""

    def __init__(self, field: str, code: str) -> None:
        reason = _("Unknown code: %(code)s", code=code)
        super().__init__(f"{field}: {reason}", {field: [reason]})


#: What is done to messages and campaigns.
ACTS = (
    N_("approved"),
    N_("cancelled"),
    N_("changed"),
    N_("given people"),
    N_("paused"),
    N_("resumed"),
    N_("stopped"),
    N_("tried out"),
)


class MessageStatusForbids(Conflict):
    """A message stands where this cannot be done to it."""

    def __init__(self, act: str, status: str) -> None:
        super().__init__(
            _("A message that is %(status)s cannot be %(act)s now", status=_(status), act=_(act))
        )


class CampaignStatusForbids(Conflict):
    """A campaign stands where this cannot be done to it."""

    def __init__(self, act: str, status: str) -> None:
        super().__init__(
            _("A campaign that is %(status)s cannot be %(act)s", status=_(status), act=_(act))
        )


class CampaignChanged(Conflict):
    """A campaign, or its words, are others than were tried out."""

    def __init__(self) -> None:
        super().__init__(_("The campaign or its words have changed since: try it out again"))


class SecondPersonNeeded(Forbidden):
    """Somebody who wrote a campaign, or added people, approves it."""

    def __init__(self) -> None:
        super().__init__(_("Somebody who has not written the campaign must approve it"))


class VocabularyClosed(Conflict):
    """The codes of a vocabulary are those that the service knows: none can be added."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            _("No code can be added to %(kind)s: they are what this service knows", kind=kind)
        )


class WebhooksNotSetUp(Conflict):
    """Nothing seals webhooks' secrets."""

    def __init__(self) -> None:
        super().__init__(_("Webhooks are not set up: NOTIFICATION_WEBHOOK_SECRET is not set"))


class WordsForgotten(Conflict):
    """A message is too old: its words and addresses are gone."""

    def __init__(self) -> None:
        super().__init__(_("The message's words and addresses are forgotten"))


class ReceiptTooEarly(Unavailable):
    """The message of a receipt may not have its provider's id yet."""

    def __init__(self) -> None:
        super().__init__(_("A message may still be on its way; send the receipt again later"))
