"""The audit log of a process: it listens to the database's writing sessions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app, g, has_request_context, request
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from common.audit.actors import current_actor, forwarded_address, is_within_job, known_actor
from common.audit.chain import Actor, Draft, Source, append
from common.audit.changes import Kinds, changes_of
from common.audit.models import AuditTables
from common.audit.values import digest
from common.clock import utc_now
from common.correlation import current_request_context
from common.db.database import Database
from common.logs import get_logger

log = get_logger(__name__)

EXTENSION = "kiungo-audit"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Parts of addresses that name a person: kept as digests.
PERSONAL = frozenset({"user_id", "person", "chf_id"})
_PENDING = "audit-pending"
_WROTE = "audit-wrote"
_APPENDED = "audit-appended"


@dataclass(frozen=True, kw_only=True)
class AuditRules:
    """What counts in a service.

    `not_acts`: endpoints that change nothing a person decided, each with the reason; `views`:
    endpoints that show what must be known to have been seen, each with the act; `jobs`: commands
    that serve the system, not a person.
    """

    kinds: Kinds
    not_acts: Mapping[str, str] = field(default_factory=dict)
    views: Mapping[str, str] = field(default_factory=dict)
    jobs: frozenset[str] = frozenset({"worker", "purge"})


class AuditLog:
    """Notes what the sessions of `database` commit, in the same transaction."""

    def __init__(
        self,
        service: str,
        database: Database,
        tables: AuditTables,
        rules: AuditRules,
        address: Callable[[], str],
    ) -> None:
        self.service = service
        self.database = database
        self.tables = tables
        self.rules = rules
        self._address = address

    def listen(self) -> None:
        """From now on no transaction commits without its events."""
        sessions = self.database.writing_sessions
        sessions.configure(info={**sessions.kw.get("info", {}), EXTENSION: self})
        event.listen(sessions, "after_flush", self._collect)
        event.listen(sessions, "do_orm_execute", _note_write)
        event.listen(sessions, "before_commit", self._append)
        event.listen(sessions, "after_commit", _copy_to_log)
        event.listen(sessions, "after_soft_rollback", _forget)

    def record(self, draft: Draft) -> None:
        """Commit an event of its own: of an act that changes no row here."""
        with self.database.writing() as session:
            note(session, draft)

    def act_of_request(self) -> Draft | None:
        """The event of the current request, where nothing more exact was noted of it."""
        if not has_request_context() or request.method in SAFE_METHODS or g.get("audited"):
            return None
        endpoint = request.endpoint or ""
        if endpoint in self.rules.not_acts or known_actor() is None:
            return None
        return request_draft(endpoint)

    def _collect(self, session: Session, _flush: Any) -> None:
        session.info[_WROTE] = True
        if self._actor() is not None:
            for draft in changes_of(session, self.rules.kinds):
                note(session, draft)

    def _actor(self) -> Actor | None:
        return current_actor(self.rules.jobs)

    def _append(self, session: Session) -> None:
        if session.in_nested_transaction():
            return
        session.flush()
        drafts = [draft for draft, _ in session.info.pop(_PENDING, ())]
        if not drafts and session.info.get(_WROTE):
            drafts = [draft for draft in [self.act_of_request()] if draft]
        if not drafts:
            return
        rows = append(session, self.tables, drafts, self._source())
        if has_request_context():
            g.audited = True
        session.info[_APPENDED] = rows

    def _source(self) -> Source:
        context = current_request_context()
        return Source(
            actor=self._actor() or Actor("command", "service"),
            address=self._address() if has_request_context() else "",
            correlation_id=context.correlation_id if context else "",
            at=utc_now(),
        )


def register_audit_log(
    app: Flask,
    service: str,
    database: Database,
    tables: AuditTables,
    rules: AuditRules,
    address: Callable[[], str] = forwarded_address,
) -> AuditLog:
    """Keep the audit log of `app`: of what its sessions commit."""
    log_of_app = app.extensions[EXTENSION] = AuditLog(service, database, tables, rules, address)
    log_of_app.listen()
    return log_of_app


def note(session: Session, draft: Draft) -> None:
    """Let the transaction of `session` leave an event; it is rolled back with the change."""
    if EXTENSION not in session.info:
        raise LookupError("This database's audit log is not registered")
    pending = session.info.setdefault(_PENDING, [])
    pending.append((draft, session.get_nested_transaction()))


def note_act(
    session: Session,
    act: str,
    object_id: Any = "",
    object_name: str = "",
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """The same, in short: the kind of the object is what stands before the act's dot.

    Nothing is noted of a job, nor in a process that keeps no log: no person's act reaches it.
    """
    draft = Draft(
        act=act,
        object_kind=act.partition(".")[0],
        object_id=object_id,
        object_name=object_name,
        before=before,
        after=after,
    )
    log_of: AuditLog | None = session.info.get(EXTENSION)
    if log_of is not None and not is_within_job(log_of.rules.jobs):
        note(session, draft)


def record_act(act: str, object_id: Any = "", object_name: str = "", **after: Any) -> None:
    """Commit an event of its own in the current app's log."""
    with audit_log().database.writing() as session:
        note_act(session, act, object_id, object_name, after=after or None)


def record_job(act: str, command: str, name: str = "") -> None:
    """One event for a job that somebody began by hand; what it changes is too much to note."""
    kind, actor = act.partition(".")[0], Actor("command", command)
    audit_log().record(Draft(act=act, object_kind=kind, object_name=name, actor=actor))


def audit_log() -> AuditLog:
    """The log of the current app."""
    found: AuditLog = current_app.extensions[EXTENSION]
    return found


def request_draft(act: str, after: Mapping[str, Any] | None = None) -> Draft:
    """An event about what the address of the current request names."""
    parts = {
        name: digest(str(value)) if name in PERSONAL else str(value)
        for name, value in (request.view_args or {}).items()
    }
    return Draft(
        act=act,
        object_kind=act.partition(".")[0],
        object_id="/".join(parts.values()),
        after=after or None,
    )


def viewing(*, is_shown: bool = True, **said: Any) -> None:
    """What the event of this view says besides; a page that shows nothing (yet) leaves none."""
    g.audit_view = said if is_shown else None


def _note_write(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        state.session.info[_WROTE] = True


def _copy_to_log(session: Session) -> None:
    """The end of the chain outside of the database: who writes it anew contradicts the log."""
    rows = session.info.pop(_APPENDED, None)
    if rows:
        last = rows[-1]
        log.info("audited", events=len(rows), last=last["id"], act=last["act"], hash=last["hash"])


def _forget(session: Session, ended: SessionTransaction) -> None:
    """Events of what was rolled back go with it."""
    if not ended.nested:
        session.info.pop(_PENDING, None)
        return
    pending = session.info.get(_PENDING, [])
    session.info[_PENDING] = [one for one in pending if not _is_within(one[1], ended)]


def _is_within(inner: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while inner is not None and inner is not outer:
        inner = inner.parent
    return inner is outer
