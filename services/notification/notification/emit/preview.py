"""How a template's words would look, before anybody gets them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from common.gsm7 import Sms, measure, transliterate

from notification.emit.choose import as_sent, filled_body, word
from notification.emit.render import fill, names, why_unusable
from notification.mails.frame import NO_FRAME, Frame
from notification.mails.markdown import why_no_link
from notification.models import ChannelCode, Template
from notification.models.costs import PARTS_OF_UNIT


@dataclass(frozen=True, slots=True)
class SmsPrice:
    """What an SMS to one number costs over a provider, and with plain signs, where that differs."""

    provider: str
    cost: float
    cost_if_plain: float | None


NO_PRICES: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Preview:
    """The words with their values; `rejection` says why they would not be sent, or stored."""

    subject: str
    body: str
    placeholders: Sequence[str]
    missing: Sequence[str]
    rejection: str | None
    sms: Sms | None
    #: Characters that plain ones stand for in the body.
    replaced: str = ""
    #: How the SMS would travel with plain signs, where the template does not ask for them.
    sms_if_plain: Sms | None = None
    costs: Sequence[SmsPrice] = ()
    #: Of an e-mail in Markdown: the page that mail programs show.
    html: str | None = None


def preview(
    template: Template,
    context: Mapping[str, Any],
    prices: Mapping[str, int] = NO_PRICES,
    frame: Frame = NO_FRAME,
) -> Preview:
    """Fill a template, be it usable or not.

    `prices`: of a segment, by provider; `frame`: around the HTML of an e-mail.
    """
    subject, body = fill(template.subject, context), filled_body(template, context)
    words = word(template, context)
    rejection = why_unusable(template.subject) or why_unusable(template.body)
    if rejection is None and template.is_markdown:
        rejection = why_no_link(template.body)
    if rejection is None and isinstance(words, str):
        rejection = words
    is_sms = template.channel is ChannelCode.SMS
    text, plain = as_sent(template, body.text), transliterate(body.text)
    kept = set(text)
    sms = measure(text) if is_sms else None
    sms_if_plain = measure(plain) if is_sms and plain != text else None
    return Preview(
        subject=subject.text,
        body=text,
        placeholders=names(template.subject + template.body),
        missing=list(dict.fromkeys(subject.missing + body.missing)),
        rejection=rejection,
        sms=sms,
        replaced="".join(sorted({one for one in body.text if one not in kept})),
        sms_if_plain=sms_if_plain,
        costs=[_price(one, price, sms, sms_if_plain) for one, price in prices.items() if sms],
        html=frame.page(body.html, subject.text, template.language or "") if body.html else None,
    )


def _price(provider: str, price: int, sms: Sms, plain: Sms | None) -> SmsPrice:
    def cost(one: Sms) -> float:
        return one.segments * price / PARTS_OF_UNIT

    return SmsPrice(provider, cost(sms), cost(plain) if plain else None)
