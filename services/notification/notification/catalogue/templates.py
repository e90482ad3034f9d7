"""Templates: an event's words by channel and language. What was sent keeps the version it had."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from common.errors import Invalid
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from notification.catalogue.lookups import check_code
from notification.emit.render import names, why_unusable
from notification.errors import UnknownRecord
from notification.mails.markdown import why_no_link
from notification.models import ChannelCode, Event, Template

WORDS = ("subject", "body")
#: What makes a new version.
SHAPING = (*WORDS, "transliterate", "is_markdown", "digest_body")
#: What a digest's words may name.
DIGEST_PLACEHOLDERS = ("count", "list", "event")


def newest_templates(session: Session, event_code: str) -> dict[tuple[ChannelCode, str], Template]:
    """An event's templates by channel and language: of each, the highest active version."""
    query = select(Template).where(Template.event_code == event_code, Template.is_active)
    found = session.scalars(query.order_by(Template.version))
    return {(one.channel, one.language): one for one in found}


def existing_template(session: Session, template_id: uuid.UUID) -> Template:
    """The template of this id. Raises UnknownRecord."""
    template = session.get(Template, template_id)
    if template is None:
        raise UnknownRecord("template", template_id)
    return template


def add_template(session: Session, given: Mapping[str, Any]) -> Template:
    """The first, or next, version of an event's words for a channel in a language.

    An active one takes the place of those before it. Raises UnknownCode, Invalid.
    """
    check_code(session, Event, "event_code", given["event_code"])
    for name, reason in _reasons(given):
        if reason:
            raise Invalid(f"{name}: {reason}", {name: [reason]})
    same = [
        getattr(Template, name) == given[name] for name in ("event_code", "channel", "language")
    ]
    newest = session.scalar(select(func.max(Template.version)).where(*same)) or 0
    if given["is_active"]:
        session.execute(update(Template).where(*same).values(is_active=False))
    template = Template(**given, version=newest + 1)
    session.add(template)
    session.flush()
    return template


def _reasons(given: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """What is wrong with each member of a template."""
    for name in WORDS:
        yield name, why_unusable(given[name])
    yield "digest_body", _why_no_digest(given.get("digest_body") or "")
    if given.get("is_markdown"):
        is_mail = given["channel"] is ChannelCode.EMAIL
        yield "is_markdown", None if is_mail else "Only e-mails are written in Markdown."
        yield "body", why_no_link(given["body"])


def _why_no_digest(text: str) -> str | None:
    foreign = [one for one in names(text) if one not in DIGEST_PLACEHOLDERS]
    if foreign:
        return f"{{{foreign[0]}}} is not known in a digest: only {', '.join(DIGEST_PLACEHOLDERS)}."
    return why_unusable(text)


def change_template(
    session: Session, template_id: uuid.UUID, changes: Mapping[str, Any]
) -> Template:
    """Changed words are a new version; without them only `is_active` changes, in place.

    Raises UnknownRecord, Invalid.
    """
    template = existing_template(session, template_id)
    if changes.keys() & set(SHAPING):
        kept = {name: getattr(template, name) for name in _COPIED}
        return add_template(session, {**kept, **changes})
    template.is_active = changes.get("is_active", template.is_active)
    session.flush()
    return template


_COPIED = ("event_code", "channel", "language", "is_active", *SHAPING)
