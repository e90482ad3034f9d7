"""A document becomes what is stored: all of it, or none where a record does not fit.

A record that is as the document says is left alone, so that applying one twice changes nothing.
What stands here and not in the document stays, and so does every secret. A secret that a new record
needs is to be given to it afterwards; the finding says so.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from common.db.write_lock import WriteLock
from common.errors import Invalid
from common.importing.loading import DOES_NOT_FIT, why
from common.importing.report import LeftOut
from common.texts import _
from common.web.problems import first_reason
from marshmallow import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.access.scopes import SCOPES
from proxy.container import Container
from proxy.metadata.documents import KINDS, Document, Kind, References, checked, exported
from proxy.metadata.incoming import incoming
from proxy.metadata.saving import save
from proxy.registry.differences import Change, changes

NEW, CHANGED, UNCHANGED = "new", "changed", "unchanged"
ONLY_HERE, ERROR = "only here", "error"
TWICE = "stands there twice"
OUTCOMES = (NEW, CHANGED, UNCHANGED, ONLY_HERE, ERROR)


@dataclass(frozen=True)
class Finding:
    """What becomes of one record; `notes` are for people, or the reason of an error."""

    kind: str
    name: str
    outcome: str
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """What becomes of each record, and whether it was done."""

    findings: list[Finding] = field(default_factory=list)
    is_applied: bool = False

    @property
    def errors(self) -> list[Finding]:
        """The records that do not fit."""
        return [one for one in self.findings if one.outcome == ERROR]

    def count(self, outcome: str) -> int:
        """How many records have an outcome."""
        return sum(one.outcome == outcome for one in self.findings)


class _NothingStays(Exception):
    """Ends the transaction without a commit."""


def apply_document(
    process: Container,
    found: Any,
    *,
    held: Collection[str] = SCOPES,
    is_dry_run: bool = False,
) -> Outcome:
    """Apply what was exported, for somebody who holds `held`. Raises Invalid for what is none.

    With an error in one record nothing is changed.
    """
    records, outcome = checked(found), Outcome()
    try:
        with WriteLock(process.database.engine), process.database.writing() as session:
            for kind in KINDS:
                if kind.name in records:
                    outcome.findings += _of_kind(process, session, kind, records[kind.name], held)
            if is_dry_run or outcome.errors:
                raise _NothingStays
    except _NothingStays:
        return outcome
    outcome.is_applied = True
    return outcome


def _of_kind(
    process: Container,
    session: Session,
    kind: Kind,
    documents: list[Document],
    held: Collection[str],
) -> Iterator[Finding]:
    names = References.of(session)
    here = {
        kind.key(exported(kind, one, names)): one for one in session.scalars(select(kind.model))
    }
    seen: set[str] = set()
    for document in documents:
        key = kind.key(document)
        one = _One(kind, key, document, here.get(key), names)
        yield (
            Finding(kind.name, key, ERROR, notes=[TWICE])
            if key in seen
            else _tried(process, session, one, held)
        )
        seen.add(key)
    for key in sorted(here.keys() - seen):
        yield Finding(kind.name, key, ONLY_HERE)


@dataclass(frozen=True)
class _One:
    """A record of the document, and the one that it is here."""

    kind: Kind
    key: str
    document: Document
    record: Any
    names: References


def _tried(process: Container, session: Session, one: _One, held: Collection[str]) -> Finding:
    """What becomes of a record, in a savepoint of its own."""
    try:
        with session.begin_nested():
            return _applied(process, session, one, held)
    except ValidationError as exc:
        reason = first_reason(exc.normalized_messages())
    except (*DOES_NOT_FIT, LeftOut) as exc:
        reason = why(exc)
    return Finding(one.kind.name, one.key, ERROR, notes=[reason])


def _applied(process: Container, session: Session, one: _One, held: Collection[str]) -> Finding:
    """Save what is otherwise. Raises what saving raises, LeftOut, ValidationError."""
    kind, record, notes = one.kind, one.record, list[str]()
    given = incoming(kind, one.document, record, one.names, notes)
    wanted = exported(kind, given, one.names)
    shown = exported(kind, record, one.names) if record is not None else {}
    found = changes({name: shown[name] for name in wanted if name in shown}, wanted)
    if record is not None and not found:
        return Finding(kind.name, one.key, UNCHANGED, notes=notes)
    save(process, session, kind, given, record, held, notes)
    return Finding(kind.name, one.key, CHANGED if record is not None else NEW, found, notes)


def check_applied(outcome: Outcome) -> None:
    """Raise Invalid where a record did not fit, naming each."""
    if outcome.errors:
        first = outcome.errors[0]
        raise Invalid(
            _(
                "Nothing was applied: %(kind)s %(name)s: %(notes)s",
                kind=first.kind,
                name=first.name,
                notes="; ".join(first.notes),
            ),
            {f"{one.kind}[{one.name}]": one.notes for one in outcome.errors},
        )
