"""Forms that change something in this service's database."""

from collections.abc import Callable
from typing import TypeVar

from common.console import saving
from common.console.editing import Edited
from common.console.forms import Form
from sqlalchemy.orm import Session

from policy_notify.container import container

T = TypeVar("T")


def save(
    form: Form,
    act: Callable[[Session], T],
    conflict_at: str | None = None,
    edited: Edited | None = None,
) -> tuple[Form, T | None]:
    """What `act` made, or the form with its errors: see `common.console.saving`."""
    return saving.save(container().database, form, act, conflict_at, edited)
