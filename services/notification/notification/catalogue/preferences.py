"""What people want to hear, how, and when not: read for many at once, changed for one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from common.audit.log import note_act
from common.clock import utc_now
from common.db.database import insert_into
from common.errors import Invalid
from common.texts import N_, _
from sqlalchemy import Row, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from notification.emit.quiet_hours import QuietHours
from notification.errors import UnknownRecord
from notification.models import ActorType, ChannelCode, Preference
from notification.models.preferences import DEFAULT_LANGUAGE, DEFAULT_TIME_ZONE
from notification.outbox.row_changes import is_one_of

#: User ids asked for in one statement.
CHUNK = 5_000

Person = tuple[str, str]
"""A user id and an actor type's code: together they name a person."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """A person's preference, as decisions need it; by default everything, in English, always."""

    channels: frozenset[ChannelCode] = frozenset(ChannelCode)
    language: str = DEFAULT_LANGUAGE
    quiet: QuietHours | None = None


DEFAULT_PREFERENCES = Preferences()

_TOGETHER = "quiet_from and quiet_until are given both, or none."
_DIFFER = N_("Must differ from quiet_from.")

_ALLOWS = {
    ChannelCode.SMS: Preference.allow_sms,
    ChannelCode.EMAIL: Preference.allow_email,
    ChannelCode.IN_APP: Preference.allow_in_app,
}
#: A system that wants nothing takes its webhook out of use.
_NOT_ASKED = frozenset({ChannelCode.WEBHOOK})
#: What `by_person` reads.
COLUMNS: tuple[InstrumentedAttribute[Any], ...] = (
    Preference.user_id,
    Preference.actor_type,
    Preference.preferred_lang,
    Preference.quiet_from,
    Preference.quiet_until,
    Preference.time_zone,
    *_ALLOWS.values(),
)


def preferences_of(session: Session, user_ids: Iterable[str]) -> dict[Person, Preferences]:
    """The preferences of those who have said some."""
    ids, found = list(dict.fromkeys(user_ids)), dict[Person, Preferences]()
    for start in range(0, len(ids), CHUNK):
        is_theirs = is_one_of(session, Preference.user_id, ids[start : start + CHUNK])
        found |= by_person(session.execute(select(*COLUMNS).where(is_theirs)))
    return found


def by_person(rows: Iterable[Row[Any]]) -> dict[Person, Preferences]:
    """The preferences in rows of `COLUMNS`."""
    return {(row.user_id, row.actor_type): _preferences(row) for row in rows}


def _preferences(row: Row[Any]) -> Preferences:
    quiet = None
    if row.quiet_from is not None:
        quiet = QuietHours(row.quiet_from, row.quiet_until, ZoneInfo(row.time_zone))
    allowed = frozenset(one for one, column in _ALLOWS.items() if getattr(row, column.key))
    return Preferences(allowed | _NOT_ASKED, row.preferred_lang, quiet)


def read_preference(session: Session, actor_type: str, user_id: str) -> Preference:
    """A person's preference, or the defaults. Raises UnknownRecord for the actor type."""
    if session.scalar(select(ActorType.id).where(ActorType.code == actor_type)) is None:
        raise UnknownRecord("actor type", actor_type)
    is_theirs = (Preference.user_id == user_id, Preference.actor_type == actor_type)
    query = select(Preference).where(*is_theirs).execution_options(populate_existing=True)
    return session.scalar(query) or _defaults(actor_type, user_id)


def _defaults(actor_type: str, user_id: str) -> Preference:
    return Preference(
        user_id=user_id,
        actor_type=actor_type,
        allow_sms=True,
        allow_email=True,
        allow_in_app=True,
        preferred_lang=DEFAULT_LANGUAGE,
        time_zone=DEFAULT_TIME_ZONE,
    )


def change_preference(
    session: Session, actor_type: str, user_id: str, changes: Mapping[str, Any]
) -> Preference:
    """Set what is given; the rest stays, or has its default. Raises UnknownRecord, Invalid."""
    before = _said(read_preference(session, actor_type, user_id), changes)
    changes = {**changes, "updated_at": utc_now()}
    counted = {**changes, "revision": Preference.revision + 1}
    # One that is in clear yet is no conflict for one that is sealed.
    is_theirs = (Preference.user_id == user_id, Preference.actor_type == actor_type)
    known = session.scalar(select(Preference.id).where(*is_theirs))
    if known is None:
        statement = insert_into(session, Preference).values(
            user_id=user_id, actor_type=actor_type, **changes
        )
        unique = ["user_id", "actor_type"]
        session.execute(statement.on_conflict_do_update(index_elements=unique, set_=counted))
    else:
        session.execute(
            update(Preference)
            .where(Preference.id == known)
            .values(counted)
            .execution_options(synchronize_session=False)
        )
    changed = read_preference(session, actor_type, user_id)
    _check_quiet_hours(changed)
    after = _said(changed, before)
    note_act(session, "preference.updated", changed.id, actor_type, before=before, after=after)
    return changed


def _said(preference: Preference, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(preference, name) for name in names}


def _check_quiet_hours(preference: Preference) -> None:
    begin, end = preference.quiet_from, preference.quiet_until
    if (begin is None) != (end is None):
        raise Invalid(_TOGETHER, {"quiet_until": [_TOGETHER]})
    if begin is not None and begin == end:
        raise Invalid(f"quiet_until: {_(_DIFFER)}", {"quiet_until": [_DIFFER]})
