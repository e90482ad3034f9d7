"""Clients get credentials, rotate them without an outage, and lose them."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.clock import utc_now
from common.db.database import Database
from common.errors import Conflict, Invalid
from common.texts import _
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.former_hashes import is_former, matches_former
from proxy.access.log_ins import SCOPE, new_log_in
from proxy.access.scopes import SCOPES, check_may_grant
from proxy.access.secrets import (
    hash_generated,
    hash_secret,
    hash_taken_over,
    matches_hash,
    new_secret,
)
from proxy.errors import UnknownRecord
from proxy.models import MAX_LIVE_SECRETS, Client, ClientSecret
from proxy.record.sealing import Sealer
from proxy.registry.records import apply, locked


@dataclass(frozen=True)
class IssuedSecret:
    """A secret, and the hash that stays of it."""

    secret: str = field(repr=False)
    hashed: str = field(repr=False)
    is_chosen: bool = False

    @property
    def plain(self) -> str | None:
        """What is shown, once; None where the caller chose it."""
        return None if self.is_chosen else self.secret

    def sealed_log_in(self, client: Client, sealer: Sealer) -> bytes | None:
        """What the log-in by token is checked with; none but a machine account has it."""
        if SCOPE not in client.scopes:
            return None
        return sealer.sealed_log_in(client.client_id, new_log_in(self.secret))


@dataclass(frozen=True)
class Issued:
    """A client with the secret it just got; None where the caller knows it already."""

    client: Client
    client_secret: str | None = field(repr=False)


def issue_secret(plain: str | None = None) -> IssuedSecret:
    """A new secret; or a chosen one, slowly hashed: do this before a transaction."""
    if plain is not None:
        return IssuedSecret(plain, hash_secret(plain), is_chosen=True)
    generated = new_secret()
    return IssuedSecret(generated, hash_generated(generated))


def create_client(
    session: Session, sealer: Sealer, given: Mapping[str, Any], secret: IssuedSecret
) -> Issued:
    """A new client with its first secret. A taken `client_id` is an IntegrityError."""
    client = Client(**{"scopes": [], **given}, secrets=[ClientSecret(secret_hash=secret.hashed)])
    client.sealed_log_in = secret.sealed_log_in(client, sealer)
    _check_certificates(session, client)
    session.add(client)
    session.flush()
    return Issued(client, secret.plain)


def update_client(
    session: Session,
    client_pk: uuid.UUID,
    changes: Mapping[str, Any],
    *,
    held: Collection[str] = SCOPES,
) -> Client:
    """Change what is known of a client, by somebody who holds `held`.

    Raises UnknownRecord; Forbidden unless they hold all that the client does, or take away only.
    """
    client = locked(session, Client, client_pk)
    if not _only_takes_away(client, changes):
        check_may_grant(changes.get("scopes", client.scopes), held)
    with session.no_autoflush:
        apply(client, changes)
        _check_certificates(session, client)
    session.flush()
    return client


def _check_certificates(session: Session, client: Client) -> None:
    """Raises Invalid for a certificate that another client has: it would be nobody's."""
    if not client.certificates:
        return
    for other in bound_clients(session):
        if other is not client and set(other.certificates) & set(client.certificates):
            reason = _("Client %(client_id)s has one of these already.", client_id=other.client_id)
            raise Invalid(f"certificates: {reason}", {"certificates": [reason]})


def bound_clients(session: Session) -> list[Client]:
    """The clients that have certificates."""
    return [one for one in session.scalars(select(Client)) if one.certificates]


def _only_takes_away(client: Client, changes: Mapping[str, Any]) -> bool:
    if changes.keys() == {"is_active"}:
        return changes["is_active"] is False
    return changes.keys() == {"scopes"} and set(changes["scopes"]) <= set(client.scopes)


def rotate_secret(
    session: Session,
    sealer: Sealer,
    client_pk: uuid.UUID,
    secret: IssuedSecret,
    *,
    drop_others: bool = False,
    held: Collection[str] = SCOPES,
) -> Issued:
    """Give the client one more secret; the third one drops the first, `drop_others` drops all.

    Raises UnknownRecord; Forbidden unless whoever gets it holds all that the client does.
    """
    client = locked(session, Client, client_pk)
    check_may_grant(client.scopes, held)
    keep = 0 if drop_others else MAX_LIVE_SECRETS - 1
    client.secrets = [
        *client.secrets[len(client.secrets) - min(keep, len(client.secrets)) :],
        ClientSecret(secret_hash=secret.hashed, created_at=utc_now()),
    ]
    client.sealed_log_in = secret.sealed_log_in(client, sealer)
    session.flush()
    return Issued(client, secret.plain)


def drop_secret(session: Session, client_pk: uuid.UUID, secret_id: uuid.UUID) -> None:
    """End a rotation: one of two secrets stops working. Raises Conflict for the only one."""
    client = locked(session, Client, client_pk)
    others = [secret for secret in client.secrets if secret.id != secret_id]
    if len(others) == len(client.secrets):
        raise UnknownRecord("secret")
    if not others:
        raise Conflict(_("This is the client's only secret; rotate it, or deactivate the client"))
    if client.secrets[-1].id == secret_id:
        client.sealed_log_in = None  # it was made with this one
    client.secrets = others
    session.flush()


def delete_client(session: Session, client_pk: uuid.UUID) -> None:
    """Forget a client; its transactions keep its name. Raises UnknownRecord."""
    session.delete(locked(session, Client, client_pk))
    session.flush()


def find_active(session: Session, client_id: str) -> Client | None:
    """The active client that calls itself `client_id`."""
    return session.scalar(select(Client).where(Client.client_id == client_id, Client.is_active))


def replace_former_hashes(
    database: Database, client_id: str, secret: str, hashes: Sequence[str]
) -> None:
    """Our own hash instead of one that came over and that `secret` was just found to belong to.

    Slow: not for an event loop, and not within a transaction.
    """
    former = [stored for stored in hashes if is_former(stored) and matches_former(stored, secret)]
    if not former:
        return
    hashed = hash_taken_over(secret)
    with database.writing() as session:
        client = find_active(session, client_id)
        for one in client.secrets if client is not None else ():
            if one.secret_hash in former:
                one.secret_hash = hashed


def ensure_client(session: Session, record: Mapping[str, Any]) -> None:
    """Create or update a client with the `client_secret` of `record`.

    The secret is hashed again only when it changed.
    """
    fields = {key: value for key, value in record.items() if key != "client_secret"}
    client = session.scalar(select(Client).where(Client.client_id == record["client_id"]))
    if client is None:
        client = Client(**fields)
        session.add(client)
    else:
        apply(client, fields)
    secret = record["client_secret"]
    if not matches_hash(secret, [one.secret_hash for one in client.secrets]):
        client.secrets = [ClientSecret(secret_hash=issue_secret(secret).hashed)]
