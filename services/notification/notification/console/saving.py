"""Forms that change something: what the schema, or the domain, refuses is shown at its field."""

from collections.abc import Callable
from typing import TypeVar

from common.console.editing import Edited
from common.console.forms import Form
from common.errors import Invalid, Stale
from sqlalchemy.orm import Session

from notification.container import container

T = TypeVar("T")


def save(
    form: Form, act: Callable[[Session], T], edited: Edited | None = None
) -> tuple[Form, T | None]:
    """What `act` made in one transaction; None, and the form with its errors, if it was refused."""
    if form.errors:
        return form, None
    try:
        with container().database.writing() as session:
            if edited:
                edited.hold(session, form)
            return form, act(session)
    except Stale:
        if edited is None:
            raise
        return form.beside(edited.now()), None
    except Invalid as exc:
        return form.refused(exc.errors), None
