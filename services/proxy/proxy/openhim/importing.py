"""Everything of an export comes over that is new or has changed, with a word on each record."""

import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from common.clock import utc_now
from common.importing.bring import Records, Saved, Target, bring_records, table_of
from common.importing.loading import DOES_NOT_FIT, why
from common.importing.report import LeftOut, Report
from common.importing.source import Row
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.clients import update_client
from proxy.access.roles import held_with
from proxy.access.scopes import SCOPES
from proxy.access.staff import create_staff, update_staff
from proxy.container import Container
from proxy.models import Channel, Client, ClientSecret, FormerRecord, Mediator, StaffUser
from proxy.openhim.channels import translated
from proxy.openhim.documents import (
    CHANNELS,
    CLIENTS,
    MEDIATORS,
    OTHERS,
    USERS,
    Export,
    table_of_kind,
)
from proxy.openhim.installing import save_channel
from proxy.openhim.mediators import fields_of
from proxy.openhim.people import client_of, unusable_hash, user_of
from proxy.registry import mediators as mediator_acts
from proxy.registry.mediator_config import with_masks_kept

KEPT = "was here already and stays as it is here"
#: What records of each kind are called in the report, and where they are noted.
NAMES = {
    MEDIATORS: "openhim mediator",
    CHANNELS: "openhim channel",
    CLIENTS: "openhim client",
    USERS: "openhim user",
}
Save = Callable[[Session, Row, uuid.UUID | None], tuple[Saved, list[str]]]


@dataclass(frozen=True)
class Finding:
    """What became of one record: `new`, `changed`, `unchanged`, `here already`, `left out`."""

    kind: str
    name: str
    outcome: str
    notes: list[str] = field(default_factory=list)
    document: Any = field(default=None, repr=False)

    def line(self) -> str:
        """For an operator."""
        said = f": {'; '.join(self.notes)}" if self.notes else ""
        return f"{self.kind.removesuffix('s').lower()} {self.name!r}: {self.outcome}{said}"


@dataclass
class Outcome:
    """The counts, and what became of each record."""

    report: Report = field(default_factory=Report)
    findings: list[Finding] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """What is printed."""
        yield from self.report.lines()
        yield "Record by record:"
        for one in self.findings:
            yield f"  {one.line()}"


def import_all(
    process: Container,
    export: Export,
    *,
    account: str = "",
    held: Collection[str] = SCOPES,
    is_dry_run: bool = False,
) -> Outcome:
    """Let an export come over; mediators belong to `account` then. Repeat it at will.

    Nobody comes over who may do more than whoever asks for it, who holds `held`.
    """
    outcome = Outcome()
    target = Target(process.database, FormerRecord, is_dry_run=is_dry_run)
    savers: dict[str, tuple[Save, Any]] = {
        MEDIATORS: (_mediators(process, account), Mediator),
        CHANNELS: (_channels(process, account), Channel),
        CLIENTS: (_clients(process, held), Client),
        USERS: (_users(held), StaffUser),
    }
    with target.settings():
        for kind, (save, model) in savers.items():
            found: dict[str, Finding] = {}
            wanted = Records(
                kind=NAMES[kind],
                table=table_of_kind(kind),
                into=table_of(model),
                save=_noting(kind, save, found),
                name=lambda row: str(row["name"]),
                secrets=("document", "passports"),
            )
            bring_records(wanted, export, target, outcome.report)
            outcome.findings += _of_kind(export, kind, found)
    for kind, count in export.others.items():
        outcome.report.left_out(kind, "all of them", OTHERS[kind], count)
        outcome.findings.append(Finding(kind, "all of them", "left out", [OTHERS[kind]]))
    return outcome


def _of_kind(export: Export, kind: str, found: dict[str, Finding]) -> Iterator[Finding]:
    for document in export.records[kind]:
        row = export.row(kind, document)
        known = found.get(row["id"])
        yield known or Finding(kind, row["name"], "unchanged", document=row["shown"])


def _noting(kind: str, save: Save, found: dict[str, Finding]) -> Callable[..., Saved]:
    def noted(session: Session, row: Row, _ready: None, before: uuid.UUID | None) -> Saved:
        try:
            saved, notes = save(session, row, before)
        except LeftOut as exc:
            found.setdefault(
                row["id"], Finding(kind, row["name"], "left out", [str(exc)], row["shown"])
            )
            raise
        outcome = "new" if saved.is_new else "changed"
        outcome = "here already" if notes == [KEPT] else outcome
        found.setdefault(row["id"], Finding(kind, row["name"], outcome, notes, row["shown"]))
        return Saved(saved.record_id, saved.is_new, "; ".join(notes))

    return noted


def _mediators(process: Container, account: str) -> Save:
    sealer = process.sealer

    def save(session: Session, row: Row, before: uuid.UUID | None) -> tuple[Saved, list[str]]:
        fields = fields_of(row["document"])
        config = fields.pop("config", None)
        known = session.scalar(select(Mediator).where(Mediator.urn == fields["urn"]))
        try:
            if known is None:
                made = mediator_acts.register(session, sealer, {**fields, "account": account})
                _configure(session, process, made.mediator, config)
                return Saved(made.mediator.id, True), _of_configuration(config)
            if before != known.id and known.config_changed_at is not None:
                return Saved(known.id, False), [KEPT]
            if before == known.id:
                mediator_acts.register(session, sealer, fields)
            else:
                _configure(session, process, known, config)
            return Saved(known.id, False), []
        except DOES_NOT_FIT as exc:
            raise LeftOut(why(exc)) from exc

    return save


def _configure(
    session: Session, process: Container, mediator: Mediator, config: dict[str, Any] | None
) -> None:
    """What an operator set there is an operator's here: no registration undoes it."""
    if config:
        changes = {"config": with_masks_kept(config, mediator.config)}
        mediator_acts.update_mediator(session, process.sealer, mediator.id, changes, utc_now())


def _of_configuration(config: dict[str, Any] | None) -> list[str]:
    return ["its configuration goes out with its first heartbeat here"] if config else []


def _channels(process: Container, account: str) -> Save:
    def save(session: Session, row: Row, before: uuid.UUID | None) -> tuple[Saved, list[str]]:
        found = translated(row["document"])
        channel = session.get(Channel, before) if before else None
        if channel is None:
            known = session.scalar(select(Channel.id).where(Channel.name == found.fields["name"]))
            if known is not None:
                return Saved(known, False), [KEPT]
        saved = save_channel(
            session,
            process.sealer,
            found,
            preferred=channel.mediator if channel else None,
            account=account,
            before=channel,
        )
        return Saved(saved.id, channel is None), found.notes

    return save


def _clients(process: Container, held: Collection[str]) -> Save:
    def save(session: Session, row: Row, before: uuid.UUID | None) -> tuple[Saved, list[str]]:
        found = client_of(row["document"])
        notes = list(found.notes)
        digest = _token_digest(session, process, found.token, before, notes)
        client = session.get(Client, before) if before else None
        try:
            if client is not None:
                changes = {name: found.fields[name] for name in ("name", "client_id", "roles")}
                update_client(session, client.id, changes, held=held)
                return Saved(client.id, False), []
            known = session.scalar(
                select(Client.id).where(Client.client_id == found.fields["client_id"])
            )
            if known is not None:
                return Saved(known, False), [KEPT]
            made = Client(**found.fields, token_digest=digest)
            if found.secret_hash is not None:
                made.secrets = [ClientSecret(secret_hash=found.secret_hash)]
            session.add(made)
            session.flush()
        except DOES_NOT_FIT as exc:
            raise LeftOut(why(exc)) from exc
        return Saved(made.id, True), notes

    return save


def _token_digest(
    session: Session,
    process: Container,
    token: str | None,
    before: uuid.UUID | None,
    notes: list[str],
) -> str | None:
    if token is None:
        return None
    digest = process.client_tokens.digest(token)
    holder = session.scalar(select(Client.id).where(Client.token_digest == digest))
    if holder is not None and holder != before:
        notes.append("its custom token is another client's here, and does not come over")
        return None
    return digest


def _users(held: Collection[str]) -> Save:
    def save(session: Session, row: Row, before: uuid.UUID | None) -> tuple[Saved, list[str]]:
        found = user_of(row["document"], row["passports"])
        fields = found.fields
        member = session.get(StaffUser, before) if before else None
        try:
            if member is not None:
                update_staff(session, member.id, fields, held=held_with(held))
                return Saved(member.id, False), []
            known = session.scalar(
                select(StaffUser.id).where(StaffUser.username == fields["username"])
            )
            if known is not None:
                return Saved(known, False), [KEPT]
            hashed = found.secret_hash or unusable_hash(fields["username"])
            given = {**fields, "password_hash": hashed}
            made = create_staff(session, given, held=held_with(held))
        except DOES_NOT_FIT as exc:
            raise LeftOut(why(exc)) from exc
        return Saved(made.id, True), found.notes

    return save
