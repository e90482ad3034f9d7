"""Forms that change something: what the schema or the domain refuses is shown at its field."""

from collections.abc import Callable
from typing import TypeVar

from common.console.editing import Edited
from common.console.forms import Form
from common.errors import Conflict, Invalid, Stale
from common.web.problems import taken_fields
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from proxy.container import container

T = TypeVar("T")


def write(act: Callable[[Session], T]) -> T:
    """What `act` made in one transaction; like `read` it may run in another thread."""
    with container().database.writing() as session:
        return act(session)


def save(
    form: Form,
    act: Callable[[Session], T],
    conflict_at: str | None = None,
    edited: Edited | None = None,
) -> tuple[Form, T | None]:
    """What `act` made; None, and the form with its errors, if it was refused.

    A Conflict is shown at the field `conflict_at`; without one it goes on to the caller. What
    somebody else saved of the record that is `edited` is shown beside the form.
    """
    if form.errors:
        return form, None
    try:
        return form, write(_held(act, form, edited) if edited else act)
    except Stale:
        if edited is None:
            raise
        return form.beside(edited.now()), None
    except Invalid as exc:
        return form.refused(exc.errors), None
    except IntegrityError as exc:
        taken = taken_fields(exc)
        if not taken:
            raise
        return form.refused(taken), None
    except Conflict as exc:
        if conflict_at is None:
            raise
        return form.refused({conflict_at: [str(exc)]}), None


def _held(act: Callable[[Session], T], form: Form, edited: Edited) -> Callable[[Session], T]:
    def held(session: Session) -> T:
        edited.hold(session, form)
        return act(session)

    return held
