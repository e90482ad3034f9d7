"""What can happen, who is told, and in which words."""

import enum
import uuid
from datetime import datetime
from typing import Any

from common.clock import utc_now
from common.db.database import stored_enum
from common.db.revisions import Revised
from common.ids import new_id
from sqlalchemy import (
    JSON,
    ForeignKey,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from notification.models.base import Base
from notification.models.lookups import CODE_CHARS, ChannelCode

LANGUAGE_CHARS = 16
MAIL_NAME_CHARS, MAIL_ADDRESS_CHARS = 128, 254
#: Recipient policies that mean any actor type; the first is how it is written here.
ALL = "ALL"
EVERYONE = frozenset({ALL, "*"})


class UnknownPolicy(enum.StrEnum):
    """What becomes of a message whose outcome nobody can tell."""

    HOLD = "hold"  # an operator decides
    RESEND = "resend"  # it goes out again, perhaps a second time: the event's owner wants that


class Event(Revised, Base):
    """Something that happens in one of the institution's systems."""

    __tablename__ = "event_catalog"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(CODE_CHARS), unique=True)
    description: Mapped[str] = mapped_column(Text, default="")
    module: Mapped[str] = mapped_column(ForeignKey("lk_module.code"), index=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    #: JSON Schema of the context; None: any object.
    context_schema: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    when_unknown: Mapped[UnknownPolicy] = mapped_column(
        stored_enum(UnknownPolicy), default=UnknownPolicy.HOLD
    )
    #: Who e-mails say they are from, and where answers go; None: as the settings have it.
    sender_name: Mapped[str | None] = mapped_column(String(MAIL_NAME_CHARS))
    reply_to: Mapped[str | None] = mapped_column(String(MAIL_ADDRESS_CHARS))
    #: What its SMS may cost in a month, in whole units of the currency; None: anything.
    sms_budget: Mapped[int | None]
    #: So many messages a person gets over a channel in a window; the rest is one digest. None: any.
    digest_after: Mapped[int | None]
    digest_window_s: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class Template(Revised, Base):
    """One version of an event's words for a channel in a language; a change is a new version."""

    __tablename__ = "template"
    __table_args__ = (UniqueConstraint("event_code", "channel", "language", "version"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    event_code: Mapped[str] = mapped_column(ForeignKey("event_catalog.code"))
    channel: Mapped[ChannelCode] = mapped_column(stored_enum(ChannelCode))
    language: Mapped[str] = mapped_column(String(LANGUAGE_CHARS))
    subject: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str] = mapped_column(Text)
    #: Of an SMS: curly quotes and the like become plain ones where that saves UCS-2.
    transliterate: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Of an e-mail: the body is Markdown, and the mail has it as text and as HTML.
    is_markdown: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: What a digest of several messages says; None: their list.
    digest_body: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Rule(Revised, Base):
    """Who is told of an event, over which channels, how urgently."""

    __tablename__ = "event_rule"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    event_code: Mapped[str] = mapped_column(ForeignKey("event_catalog.code"), index=True)
    #: An actor type's code; `ALL` or `*`, said by whoever made it: everyone.
    recipient_policy: Mapped[str] = mapped_column(String(CODE_CHARS))
    priority: Mapped[str] = mapped_column(ForeignKey("lk_priority.code"))
    is_active: Mapped[bool] = mapped_column(default=True)
    #: Its channels are tried in their order, each after so long without a receipt of the one
    #: before it; None: all at once.
    cascade_after_s: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)

    channels: Mapped[list["RuleChannel"]] = relationship(
        cascade="all, delete-orphan",
        lazy="selectin",
        order_by=lambda: (RuleChannel.position, RuleChannel.channel),
    )


class RuleChannel(Base):
    """A channel of a rule."""

    __tablename__ = "event_rule_channel"

    rule_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("event_rule.id", ondelete="CASCADE"), primary_key=True
    )
    channel: Mapped[ChannelCode] = mapped_column(stored_enum(ChannelCode), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
