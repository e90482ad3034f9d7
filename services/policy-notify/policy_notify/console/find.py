"""`/admin/policy-notification/find/` and `…/timeline/…/`: people, families, policies, events."""

from collections.abc import Iterator, Sequence
from itertools import islice
from uuid import UUID

from common.console.finding import MOST_HITS, Happened, Hit, Term, add_find, add_timeline
from common.console.presenting import word
from common.phones import Unreadable, read_phone
from common.texts import _
from flask import url_for
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, defer

from policy_notify.console.blueprint import pages
from policy_notify.container import container
from policy_notify.models import (
    Base,
    Family,
    IndicationDetails,
    IndicationStatus,
    Insuree,
    Policy,
    Run,
    SeenEvent,
)
from policy_notify.read_model.policies import product_names

_MOST_POLICIES = 3
#: So many people of a last name are looked through for their other names.
_MOST_ALIKE = 2_000
_MOST_HAPPENED = 200


def _find(term: Term) -> list[Hit]:
    with container().database.reading() as session:
        return [*_people(session, term), *_records(session, term)]


def _people(session: Session, term: Term) -> Iterator[Hit]:
    """Each person by what an index knows, with the family's newest policies."""
    known = Insuree.validity_to.is_(None), Insuree.family.is_not(None)
    people: dict[UUID, Insuree] = {}
    for condition, begins in _conditions(term):
        found = session.scalars(select(Insuree).where(condition, *known).limit(_MOST_ALIKE))
        named = ((one.uuid, one) for one in found if _begins_with(one, begins))
        people.update(islice(named, MOST_HITS))
    for person in list(people.values())[:MOST_HITS]:
        more = [
            (_what_was_sent(name), _policy_page(policy))
            for policy, name in _policies(session, person)
        ]
        name, family = f"{person.other_names} {person.last_name}", _family_page(person)
        note = _("%(chf_id)s, their family", chf_id=person.chf_id)
        yield Hit(_("Person"), name, family, note, more=more)


def _what_was_sent(product: str) -> str:
    return _("What was sent of %(policy)s, and why not", policy=product or _("its policy"))


def _conditions(term: Term) -> Iterator[tuple[ColumnElement[bool], Sequence[str]]]:
    """What is looked up, and how the other names begin; they are sealed, and read one by one.

    The last word may be a last name; letter case is typed in three ways.
    """
    yield Insuree.chf_id == term.text, ()
    name = term.text.split()[-1]
    spelled = {name, name.title(), name.upper()}
    yield Insuree.last_name.in_(spelled), term.text.split()[:-1]
    number = read_phone(term.text, container().settings.phone_region)
    if not isinstance(number, Unreadable):
        yield Insuree.number == number, ()


def _begins_with(person: Insuree, names: Sequence[str]) -> bool:
    """Whether other names are as typed; nothing was typed of them: any. Pure."""
    return person.other_names.casefold().startswith(" ".join(names).casefold())


def _policies(session: Session, person: Insuree) -> list[tuple[Policy, str]]:
    theirs = Policy.family == person.family, Policy.validity_to.is_(None)
    query = select(Policy).where(*theirs).order_by(Policy.start_date.desc(), Policy.uuid)
    found = session.scalars(query.limit(_MOST_POLICIES)).all()
    names = product_names(session, list(found))
    return [(policy, names.get(policy.product, "")) for policy in found]


def _records(session: Session, term: Term) -> Iterator[Hit]:
    """A family, a policy or a run by its id."""
    if term.id is None:
        return
    addresses: tuple[tuple[str, type[Base], str], ...] = (
        (_("Family"), Family, url_for("console.family", family=term.id)),
        (_("Policy"), Policy, url_for("console.policy", policy=term.id)),
        (_("Run"), Run, url_for("console.run", run_id=term.id)),
    )
    for kind, model, path in addresses:
        if session.get(model, term.id) is not None:
            yield Hit(kind, str(term.id), path)


def _timeline(correlation_id: str) -> list[Happened]:
    came = select(SeenEvent).where(SeenEvent.correlation_id == correlation_id)
    with container().database.reading() as session:
        events = session.scalars(came.limit(_MOST_HAPPENED)).all()
        what = _("The event came to policy notification")
        known = [Happened(one.consumed_at, what) for one in events]
        return [*known, *_of_attempt(session, Term(correlation_id).id)]


def _of_attempt(session: Session, attempt_id: UUID | None) -> Iterator[Happened]:
    """An attempt to tell of a policy: its id goes with what it became."""
    shown = defer(IndicationDetails.message), defer(IndicationDetails.variables)
    found = attempt_id and session.get(IndicationDetails, attempt_id, options=shown)
    if not found:
        return
    at = url_for("console.policy", policy=found.policy)
    decided = _("A run decided: %(type)s", type=word(found.type.replace("_", " ")))
    yield Happened(found.created_at, decided, at)
    if found.ended_at is not None:
        status = found.status.name.lower().replace("_", " ")
        given = _("It was given to %(provider)s", provider=found.provider)
        what = given if found.provider else _("It was not sent")
        mark = "good" if found.status is IndicationStatus.SENT else "warn"
        said = f"{what}: {word(found.reason)}" if found.reason else what
        yield Happened(found.ended_at, said, at, status, mark)


def _family_page(person: Insuree) -> str:
    return url_for("console.family", family=person.family)


def _policy_page(policy: Policy) -> str:
    return url_for("console.policy", policy=policy.uuid)


add_find(pages, _find)
add_timeline(pages, _timeline)
