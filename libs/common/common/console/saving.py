"""Forms that change something: what the schema or the domain rejects is shown at its field."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from common.console.editing import Edited
from common.console.forms import Form
from common.db.database import Database
from common.errors import Conflict, Invalid, Stale
from common.web.problems import taken_fields

T = TypeVar("T")


class Saving:
    """Changes a service's `database`, which is asked for when a form is sent."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database

    def write(self, act: Callable[[Session], T]) -> T:
        """What `act` made in one transaction."""
        with self._database().writing() as session:
            return act(session)

    def save(
        self,
        form: Form,
        act: Callable[[Session], T],
        conflict_at: str | None = None,
        edited: Edited | None = None,
    ) -> tuple[Form, T | None]:
        """What `act` made in one transaction; None, and the form with errors, if it was rejected.

        A Conflict is shown at the field `conflict_at`; without one it goes on to the caller. What
        somebody else saved of the record that is `edited` is shown beside the form.
        """
        if form.errors:
            return form, None
        try:
            with self._database().writing() as session:
                if edited is not None:
                    edited.hold(session, form)
                return form, act(session)
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
