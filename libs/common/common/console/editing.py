"""A form that changes a record does so only while the record is as the form showed it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from common.console.forms import Form
from common.db.revisions import claim_as_read


@dataclass(frozen=True)
class Edited:
    """The record as it was found, and the form of it as it is when asked."""

    record: Any
    now: Callable[[], Form]

    def hold(self, session: Session, form: Form) -> None:
        """Keep others from changing it until the transaction ends. Raises Stale."""
        claim_as_read(session, self.record, form.revision)
