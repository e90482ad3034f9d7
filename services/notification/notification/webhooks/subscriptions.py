"""Webhooks of recipients: set up by an administrator, stopped by their receivers."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.db.database import Database
from common.logs import get_logger
from common.texts import N_
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from notification.catalogue.lookups import check_code
from notification.catalogue.preferences import CHUNK, Person
from notification.errors import UnknownRecord
from notification.models import ActorType, Webhook
from notification.webhooks.secrets import WebhookSeal, as_text, new_secret

log = get_logger(__name__)

GONE = N_("The receiver answered 410: it wants nothing any more")


@dataclass(frozen=True)
class WithSecret:
    """A webhook, and its new secret: told once."""

    webhook: Webhook
    secret: str = field(repr=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.webhook, name)


def create_webhook(session: Session, seal: WebhookSeal, given: Mapping[str, Any]) -> WithSecret:
    """A recipient's webhook. Raises UnknownCode; a second one breaks its constraint."""
    check_code(session, ActorType, "actor_type", given["actor_type"])
    secret = new_secret()
    sealed = seal.seal((given["user_id"], given["actor_type"]), secret)
    webhook = Webhook(**given, sealed_secret=sealed)
    session.add(webhook)
    session.flush()
    return WithSecret(webhook, as_text(secret))


def change_webhook(session: Session, id_: uuid.UUID, changes: Mapping[str, Any]) -> Webhook:
    """Change what is given; what is used again has no reason to be stopped. Raises UnknownRecord"""
    webhook = existing_webhook(session, id_)
    for name, value in changes.items():
        setattr(webhook, name, value)
    if changes.get("is_active"):
        webhook.stopped_reason = None
    session.flush()
    return webhook


def renew_secret(session: Session, seal: WebhookSeal, id_: uuid.UUID) -> WithSecret:
    """Another secret; the former one signs nothing any more. Raises UnknownRecord."""
    webhook, secret = existing_webhook(session, id_), new_secret()
    webhook.sealed_secret = seal.seal((webhook.user_id, webhook.actor_type), secret)
    session.flush()
    return WithSecret(webhook, as_text(secret))


def existing_webhook(session: Session, id_: uuid.UUID) -> Webhook:
    """The webhook of this id. Raises UnknownRecord."""
    webhook = session.get(Webhook, id_)
    if webhook is None:
        raise UnknownRecord("webhook", id_)
    return webhook


def matching(wanted: Mapping[str, Any]) -> Select[Any]:
    """The webhooks that meet every condition; None does not count."""
    query = select(Webhook)
    for name, value in wanted.items():
        if value is not None:
            query = query.where(getattr(Webhook, name) == value)
    return query


def people_with_webhooks(session: Session, user_ids: Iterable[str]) -> set[Person]:
    """Those of these people who have a webhook in use."""
    ids, found = list(dict.fromkeys(user_ids)), set[Person]()
    for start in range(0, len(ids), CHUNK):
        some = select(Webhook.user_id, Webhook.actor_type).where(
            Webhook.user_id.in_(ids[start : start + CHUNK]), Webhook.is_active
        )
        found.update((user_id, actor_type) for user_id, actor_type in session.execute(some))
    return found


@dataclass(frozen=True, slots=True)
class Target:
    """Where a recipient listens, and what they know us by."""

    id: uuid.UUID
    url: str = field(repr=False)
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Targets:
    """The webhooks in use, as the transport needs them."""

    database: Database
    seal: WebhookSeal

    def of(self, people: Sequence[Person]) -> dict[Person, Target]:
        """Where these people listen; left out: who does not, or whose secret cannot be opened."""
        with self.database.reading() as session:
            rows = session.scalars(
                select(Webhook).where(
                    Webhook.user_id.in_([user_id for user_id, _ in people]), Webhook.is_active
                )
            ).all()
        found: dict[Person, Target] = {}
        for row in rows:
            person = row.user_id, row.actor_type
            secret = self.seal.open(person, row.sealed_secret)
            if secret is None:
                log.error("webhook_secret_not_opened", webhook_id=str(row.id))
            else:
                found[person] = Target(row.id, row.url, secret)
        return found

    def stop(self, target: Target) -> None:
        """The receiver wants nothing any more. An address that was changed meanwhile stays."""
        with self.database.writing() as session:
            webhook = session.get(Webhook, target.id, with_for_update=True)
            if webhook is not None and webhook.url == target.url:
                webhook.is_active, webhook.stopped_reason = False, GONE
        log.warning("webhook_stopped", webhook_id=str(target.id))
