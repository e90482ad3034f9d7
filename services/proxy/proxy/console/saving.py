"""Forms that change something: what the schema or the domain refuses is shown at its field."""

from collections.abc import Callable
from typing import TypeVar

from common.console.forms import Form
from common.errors import Conflict, Invalid
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
    form: Form, act: Callable[[Session], T], conflict_at: str | None = None
) -> tuple[Form, T | None]:
    """What `act` made; None, and the form with its errors, if it was refused.

    A Conflict is shown at the field `conflict_at`; without one it goes on to the caller.
    """
    if form.errors:
        return form, None
    try:
        return form, write(act)
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
