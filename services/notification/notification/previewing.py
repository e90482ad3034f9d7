"""How a template's words would look, before anybody gets them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.gsm7 import Sms, measure

from notification.choosing import word
from notification.models import ChannelCode, Template
from notification.placeholders import fill, names, why_unusable


@dataclass(frozen=True)
class Preview:
    """The words with their values; `refusal` says why they would not be sent, or stored."""

    subject: str
    body: str
    placeholders: Sequence[str]
    missing: Sequence[str]
    refusal: str | None
    sms: Sms | None
    ok: bool = True


def preview(template: Template, context: Mapping[str, Any]) -> Preview:
    """Fill a template, be it usable or not."""
    subject, body = fill(template.subject, context), fill(template.body, context)
    words = word(template, context)
    refusal = why_unusable(template.subject) or why_unusable(template.body)
    if refusal is None and isinstance(words, str):
        refusal = words
    return Preview(
        subject=subject.text,
        body=body.text,
        placeholders=names(template.subject + template.body),
        missing=list(dict.fromkeys(subject.missing + body.missing)),
        refusal=refusal,
        sms=measure(body.text) if template.channel is ChannelCode.SMS else None,
    )
