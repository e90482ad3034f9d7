"""Who gets which words over which channel, and who does not and why: steps 3 to 6. Pure."""

import re
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from common.gsm7 import Sms, measure, transliterate
from common.texts import N_

from notification.catalogue.preferences import DEFAULT_PREFERENCES, Person, Preferences
from notification.emit.addressing import Address, address_of
from notification.emit.event import Recipient, Skip
from notification.emit.render import fill
from notification.mails.markdown import Rendered, render
from notification.models import ChannelCode, Event, Rule, Template
from notification.models.catalogue import EVERYONE
from notification.models.preferences import DEFAULT_LANGUAGE
from notification.models.records import Record

NOBODY_MATCHED = N_("No recipients matched recipient_policy")
NO_CHANNELS = N_("No channels configured for active rule")
BLOCKED = N_("Blocked by user preference")
#: So often follows.
UNREACHABLE = "Unreachable: failed for good"
NO_WEBHOOK = N_("No webhook in use for this recipient")
NO_TEMPLATE = N_("No active template found for event/channel/language")

MAX_SUBJECT_CHARS = 1_000
MAX_BODY_CHARS = 100_000
#: A text message of more parts cannot be sent (3GPP TS 23.040).
MAX_SEGMENTS = 255

#: What rings nowhere.
_SILENT = frozenset({ChannelCode.IN_APP, ChannelCode.WEBHOOK})
#: The priority that does not wait for the end of quiet hours.
CRITICAL = "CRITICAL"

_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Words:
    """A template with its placeholders filled; `sms` is how an SMS of them travels."""

    template: Template
    subject: str
    body: str
    sms: Sms | None
    #: Of an e-mail in Markdown: the same as HTML.
    html: str | None = None


class Draft(Record, frozen=True):
    """A message to be queued."""

    unshown = frozenset({"to"})

    rule: Rule
    recipient: Recipient
    channel: ChannelCode
    words: Words
    rank: int
    not_before: datetime
    #: Numbers in E.164, comma-separated, or an e-mail address.
    to: str | None = None


@dataclass(frozen=True)
class Directory:
    """What is on record about an event and its recipients; templates are the newest active ones."""

    event: Event
    rules: Sequence[Rule]
    templates: Mapping[tuple[ChannelCode, str], Template]
    preferences: Mapping[Person, Preferences]
    channels: frozenset[ChannelCode]
    actor_types: frozenset[str]
    #: By a priority's code: the lowest is sent first.
    ranks: Mapping[str, int]
    #: Addresses of people that failed for good too often, with their failures.
    unreachable: Mapping[Person, Mapping[str, int]] = field(default_factory=dict)
    #: Who has a webhook in use; None: no rule asks.
    webhooks: Collection[Person] | None = None


@dataclass
class Chooser:
    """Goes through the rules; `moment` is when the messages are to be sent.

    `region`: where numbers without a country code are from.
    """

    directory: Directory
    context: Mapping[str, Any]
    moment: datetime
    region: str
    drafts: list[Draft] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)
    _words: dict[uuid.UUID, Words | str] = field(default_factory=dict)
    _found: dict[tuple[ChannelCode, str], Words | str] = field(default_factory=dict)
    _addresses: dict[tuple[ChannelCode, str | None], Address] = field(default_factory=dict)

    def choose(self, recipients: Sequence[Recipient]) -> None:
        """Fill `drafts` and `skipped`."""
        known = self.directory.actor_types
        self.skipped += [
            Skip(unknown_actor_type(one.actor_type), None, one.user_id, one.actor_type)
            for one in recipients
            if one.actor_type not in known
        ]
        for rule in self.directory.rules:
            self._apply(rule, [one for one in recipients if concerns(rule, one.actor_type)])

    def _apply(self, rule: Rule, recipients: Sequence[Recipient]) -> None:
        channels = usable_channels(rule, self.directory)
        if not recipients:
            self.skipped.append(Skip(NOBODY_MATCHED, rule.id))
        elif not channels:
            self.skipped.append(Skip(NO_CHANNELS, rule.id))
        else:
            for recipient in recipients:
                if recipient.actor_type in self.directory.actor_types:
                    self._address(rule, channels, recipient)

    def _address(self, rule: Rule, channels: Sequence[ChannelCode], recipient: Recipient) -> None:
        person = recipient.user_id, recipient.actor_type
        preferences = self.directory.preferences.get(person, DEFAULT_PREFERENCES)
        language = recipient.preferred_lang or preferences.language
        for channel in channels:
            words = why_not(channel, person, preferences.channels, self.directory) or self._wording(
                channel, language
            )
            if isinstance(words, str):
                self.skipped.append(Skip(words, rule.id, *person, channel))
                continue
            address = self._address_of(recipient, channel)
            if person in self.directory.unreachable:
                address = reachable(address, self.directory.unreachable[person])
            self.skipped += [Skip(one, rule.id, *person, channel) for one in address.refused]
            if not address.is_unusable:
                priority = rule.priority
                moment = not_before(self.moment, preferences, channel, priority)
                rank = self.directory.ranks[priority]
                draft = Draft(rule, recipient, channel, words, rank, moment, address.to)
                self.drafts.append(draft)

    def _address_of(self, recipient: Recipient, channel: ChannelCode) -> Address:
        """Read once for all rules."""
        key = channel, recipient.to_phone if channel is ChannelCode.SMS else recipient.to_email
        if key not in self._addresses:
            self._addresses[key] = address_of(recipient, channel, self.region)
        return self._addresses[key]

    def _wording(self, channel: ChannelCode, language: str) -> Words | str:
        """The words, or why there are none; they are looked for once."""
        key = channel, language
        if key not in self._found:
            self._found[key] = self._find_words(channel, language)
        return self._found[key]

    def _find_words(self, channel: ChannelCode, language: str) -> Words | str:
        """Each template is filled once."""
        template = choose_template(self.directory.templates, channel, language)
        if template is None:
            return NO_TEMPLATE
        if template.id not in self._words:
            self._words[template.id] = word(template, self.context)
        return self._words[template.id]


def reachable(address: Address, failures: Mapping[str, int]) -> Address:
    """`address` without what failed for good too often, each with its reason. Pure."""
    parts = address.to.split(",") if address.to else []
    skipped = [one for one in parts if one in failures]
    reasons = [f"{UNREACHABLE} {failures[one]} times" for one in skipped]
    left = [one for one in parts if one not in failures]
    return Address(",".join(left) or None, (*address.refused, *reasons))


def why_not(
    channel: ChannelCode,
    person: Person,
    wanted: Collection[ChannelCode],
    directory: Directory,
) -> str | None:
    """What keeps a channel from a person, whatever is to be said; None: nothing. Pure."""
    if channel not in wanted:
        return BLOCKED
    if channel is ChannelCode.WEBHOOK and person not in (directory.webhooks or ()):
        return NO_WEBHOOK
    return None


def unknown_actor_type(code: str) -> str:
    """Why nobody of this actor type is told."""
    return f"Unknown actor_type code: {code}"


def concerns(rule: Rule, actor_type: str) -> bool:
    """Whether the rule tells people of this actor type."""
    return rule.recipient_policy in EVERYONE or rule.recipient_policy == actor_type


def usable_channels(rule: Rule, directory: Directory) -> list[ChannelCode]:
    """The rule's channels, less those that are out of use."""
    return [one.channel for one in rule.channels if one.channel in directory.channels]


def choose_template(
    templates: Mapping[tuple[ChannelCode, str], Template], channel: ChannelCode, language: str
) -> Template | None:
    """The template in the language, or a wider one (`sw-tz`, `sw`), else in the default one."""
    for wanted in (*widening(language), DEFAULT_LANGUAGE):
        found = templates.get((channel, wanted))
        if found is not None:
            return found
    return None


def widening(language: str) -> Iterator[str]:
    """`zh-hant-tw`, `zh-hant`, `zh` (RFC 4647, lookup); underscores are dashes."""
    parts = language.replace("_", "-").lower().split("-")
    for count in range(len(parts), 0, -1):
        yield "-".join(parts[:count])


def word(template: Template, context: Mapping[str, Any]) -> Words | str:
    """Fill a template; text: why it cannot be sent. A subject is one line whatever fills it."""
    subject, body = fill(template.subject, context), filled_body(template, context)
    missing = subject.missing + body.missing
    if missing:
        return f"Missing placeholder: {missing[0]}"
    if body.bad_links:
        return f"No address to link to: {body.bad_links[0]}"
    one_line = _BREAKS.sub(" ", subject.text)
    fits = subject.fits and len(one_line) <= MAX_SUBJECT_CHARS
    if not fits or not body.fits or len(body.text) > MAX_BODY_CHARS:
        return f"Longer than {MAX_SUBJECT_CHARS} (subject) or {MAX_BODY_CHARS} characters"
    text = as_sent(template, body.text)
    sms = measure(text) if template.channel is ChannelCode.SMS else None
    if sms is not None and sms.segments > MAX_SEGMENTS:
        return f"Longer than {MAX_SEGMENTS} SMS segments"
    return Words(template, one_line, text, sms, body.html)


def filled_body(template: Template, context: Mapping[str, Any]) -> Rendered:
    """A template's body with its values; HTML only where it is Markdown."""
    if template.is_markdown and template.channel is ChannelCode.EMAIL:
        return render(template.body, context)
    plain = fill(template.body, context)
    return Rendered(plain.text, None, plain.missing, fits=plain.fits)


def as_sent(template: Template, text: str) -> str:
    """A filled body, with plain signs where the template allows that of an SMS."""
    is_plain = template.transliterate and template.channel is ChannelCode.SMS
    return transliterate(text) if is_plain else text


def not_before(
    moment: datetime, preferences: Preferences, channel: ChannelCode, priority: str
) -> datetime:
    """When a message may go: quiet hours delay what rings, unless it is critical."""
    if preferences.quiet is None or channel in _SILENT or priority == CRITICAL:
        return moment
    return preferences.quiet.next_moment(moment)
