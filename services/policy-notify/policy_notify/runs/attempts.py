"""What leaves through the dispatcher: where it stands, and how it is decided again before."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from common.db.database import insert_into
from sqlalchemy.orm import Session

from policy_notify.models import Indication, IndicationDetails
from policy_notify.providers import Message
from policy_notify.runs.decide import Judge, Verdict, decide_again
from policy_notify.runs.eligibility import Rejection


class Attempts(Protocol):
    """Rows of `model`, which has the columns of an attempt (`id`, `delivery`, `status` …)."""

    @property
    def model(self) -> Any:
        """The table."""

    def decide_again(
        self, session: Session, rows: Sequence[Any], now: datetime
    ) -> dict[UUID, Message | Rejection]:
        """What is decided of rows as things are at `now`; one whose cause is gone has nothing."""

    def keep_sent(self, session: Session, messages: Sequence[Message], now: datetime) -> None:
        """Remember, beside the rows, that messages were sent."""


class PolicyAttempts:
    """The messages of a run."""

    model = IndicationDetails

    def __init__(self, judge: Callable[[datetime], Judge]) -> None:
        """`judge` decides at a moment: a run may go on after midnight, about another day then."""
        self._judge = judge

    def decide_again(
        self, session: Session, rows: Sequence[IndicationDetails], now: datetime
    ) -> dict[UUID, Message | Rejection]:
        """As `Attempts` says."""
        found = decide_again(session, self._judge(now), rows)
        return {
            row.id: verdict.rejection or _message(row, verdict)
            for row in rows
            if (verdict := found.get(row.id)) is not None
        }

    def keep_sent(self, session: Session, messages: Sequence[Message], now: datetime) -> None:
        """Each policy has the time at which each type was sent."""
        for message in messages:
            _indicate(session, message, now)


def _message(row: IndicationDetails, verdict: Verdict) -> Message:
    return Message(
        id=row.id,
        type=row.type,
        policy=row.policy,
        family=row.family,
        recipient=verdict.candidate.recipient or "",
        language=verdict.language or "",
        text=verdict.message or "",
        variables=verdict.variables or {},
        spoken_as=verdict.spoken_as,
    )


def _indicate(session: Session, message: Message, now: datetime) -> None:
    """Record on the policy that this type was sent."""
    column = Indication.__table__.c[_COLUMNS[message.type.value]]
    statement = insert_into(session, Indication.__table__).values(
        {"PolicyUUID": message.policy, column.name: now}
    )
    session.execute(
        statement.on_conflict_do_update(index_elements=["PolicyUUID"], set_={column.name: now})
    )


_COLUMNS = {
    attribute.key: attribute.columns[0].name for attribute in Indication.__mapper__.column_attrs
}
