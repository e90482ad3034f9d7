"""The mediator's clients: their plain secrets become slow hashes and are seen nowhere else."""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from common.importing.bring import Records, Saved, table_of
from common.importing.loading import DOES_NOT_FIT, loaded, why
from common.importing.report import LeftOut
from common.importing.source import Row
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.clients import update_client
from proxy.access.secrets import MAX_HASHING, hash_taken_over, matches_hash
from proxy.django_mediator.tables import CLIENTS
from proxy.models import Client, ClientSecret
from proxy.schemas.clients import ClientIn

_KEPT = "was here already and stays as it is here"


def clients(scopes: Sequence[str], *, is_dry_run: bool) -> Records:
    """How clients come over; each of them gets `scopes`."""

    def save(session: Session, row: Row, secret_hash: str, before: uuid.UUID | None) -> Saved:
        given = {name: row[name] for name in ("name", "client_id", "allowed_ips", "is_active")}
        given["name"] = given["name"] or given["client_id"]
        fields = loaded(ClientIn(), {**given, "scopes": list(scopes)})
        if not secret_hash:
            raise LeftOut("has no secret")
        client = session.get(Client, before) if before else None
        try:
            if client is not None:
                return _changed(session, client, row, fields, secret_hash)
            return _added(session, fields, secret_hash)
        except DOES_NOT_FIT as exc:
            raise LeftOut(why(exc)) from exc

    return Records(
        kind="client",
        table=CLIENTS,
        into=table_of(Client),
        save=save,
        name=lambda row: str(row["client_id"]),
        prepare=_unhashed if is_dry_run else _hashed,
        secrets=("client_secret",),
    )


def _hashed(rows: Sequence[Row]) -> list[str]:
    """Each client's hash, empty where it has no secret; several at a time: they are slow."""
    with ThreadPoolExecutor(MAX_HASHING) as pool:
        return list(pool.map(lambda row: _hash_of(row["client_secret"] or ""), rows))


def _unhashed(rows: Sequence[Row]) -> list[str]:
    return ["not hashed" if row["client_secret"] else "" for row in rows]


def _hash_of(secret: str) -> str:
    return hash_taken_over(secret) if secret else ""


def _added(session: Session, fields: dict[str, object], secret_hash: str) -> Saved:
    known = session.scalar(select(Client.id).where(Client.client_id == fields["client_id"]))
    if known is not None:
        return Saved(known, False, _KEPT)
    client = Client(**fields, secrets=[ClientSecret(secret_hash=secret_hash)])
    session.add(client)
    session.flush()
    return Saved(client.id, True)


def _changed(
    session: Session, client: Client, row: Row, fields: dict[str, object], secret_hash: str
) -> Saved:
    """Everything but scopes, which the mediator does not know; the secret if it is another one."""
    changes = {name: value for name, value in fields.items() if name not in ("scopes", "roles")}
    update_client(session, client.id, changes)
    if not matches_hash(row["client_secret"], [one.secret_hash for one in client.secrets]):
        client.secrets = [ClientSecret(secret_hash=secret_hash)]
        session.flush()
    return Saved(client.id, False)
