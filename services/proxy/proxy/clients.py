"""Clients get credentials, rotate them without an outage, and lose them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.clock import utc_now
from common.errors import Conflict
from common.offload import off_the_loop
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.errors import UnknownRecord
from proxy.models import MAX_LIVE_SECRETS, Client, ClientSecret
from proxy.records import apply, locked
from proxy.secrets import hash_secret, new_secret


@dataclass(frozen=True)
class IssuedSecret:
    """A secret as it is shown once, and the slow hash that stays."""

    plain: str = field(repr=False)
    hashed: str = field(repr=False)


@dataclass(frozen=True)
class Issued:
    """A client with the secret it just got."""

    client: Client
    client_secret: str = field(repr=False)


def issue_secret(plain: str | None = None) -> IssuedSecret:
    """A new secret, or the given one, hashed off the event loop: do this before a transaction."""
    chosen = plain or new_secret()
    return IssuedSecret(chosen, off_the_loop(lambda: hash_secret(chosen)))


def create_client(session: Session, given: Mapping[str, Any], secret: IssuedSecret) -> Issued:
    """A new client with its first secret. A taken `client_id` is an IntegrityError."""
    client = Client(**given, secrets=[ClientSecret(secret_hash=secret.hashed)])
    session.add(client)
    session.flush()
    return Issued(client, secret.plain)


def update_client(session: Session, client_pk: uuid.UUID, changes: Mapping[str, Any]) -> Client:
    """Change what is known of a client. Raises UnknownRecord."""
    client = locked(session, Client, client_pk)
    apply(client, changes)
    session.flush()
    return client


def rotate_secret(
    session: Session, client_pk: uuid.UUID, secret: IssuedSecret, *, drop_others: bool = False
) -> Issued:
    """Give the client one more secret; the third one drops the first, `drop_others` drops all."""
    client = locked(session, Client, client_pk)
    keep = 0 if drop_others else MAX_LIVE_SECRETS - 1
    client.secrets = [
        *client.secrets[len(client.secrets) - min(keep, len(client.secrets)) :],
        ClientSecret(secret_hash=secret.hashed, created_at=utc_now()),
    ]
    session.flush()
    return Issued(client, secret.plain)


def drop_secret(session: Session, client_pk: uuid.UUID, secret_id: uuid.UUID) -> None:
    """End a rotation: one of two secrets stops working. Raises Conflict for the only one."""
    client = locked(session, Client, client_pk)
    others = [secret for secret in client.secrets if secret.id != secret_id]
    if len(others) == len(client.secrets):
        raise UnknownRecord("secret")
    if not others:
        raise Conflict("This is the client's only secret; rotate it, or deactivate the client")
    client.secrets = others
    session.flush()


def delete_client(session: Session, client_pk: uuid.UUID) -> None:
    """Forget a client; its transactions keep its name. Raises UnknownRecord."""
    session.delete(locked(session, Client, client_pk))
    session.flush()


def find_active(session: Session, client_id: str) -> Client | None:
    """The active client that calls itself `client_id`."""
    return session.scalar(select(Client).where(Client.client_id == client_id, Client.is_active))
