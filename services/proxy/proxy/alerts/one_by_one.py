"""Records of which one that cannot be dealt with does not keep the others from it."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from common.logs import get_logger
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

log = get_logger(__name__)


class Named(Protocol):
    """A record with a name."""

    @property
    def name(self) -> str:
        """What people call it."""


Record = TypeVar("Record", bound=Named)


class SomeFailed(Exception):
    """Some records could not be dealt with; says which, and of what kind the error was."""


def one_by_one(
    session: Session, records: Iterable[Record], act: Callable[[Record], int]
) -> tuple[int, list[str]]:
    """Act on each record in a savepoint of its own: the sum of what was done, and what failed.

    Raises SQLAlchemyError: the database is not the record's fault.
    """
    done, failed = 0, []
    for record in records:
        name = record.name
        try:
            with session.begin_nested():
                done += act(record)
        except SQLAlchemyError:
            raise
        except Exception as exc:
            log.exception("record_failed", record=name)
            failed.append(f"{name} ({type(exc).__name__})")
    return done, failed
