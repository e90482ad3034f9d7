"""The numbers of a message that has several: what is known of each, and of all together."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from common.db.database import insert_into
from sqlalchemy import Table
from sqlalchemy.orm import Session

from notification.models import AttemptStatus, DeliveryPart
from notification.outbox.claiming import Job
from notification.transports import Outcome, Part, Result

_PARTS = cast(Table, DeliveryPart.__table__)


def enter_parts(session: Session, attempts: Iterable[tuple[Job, Result]]) -> None:
    """Note the numbers of attempts that were taken, where there are several."""
    rows = [row for job, result in attempts for row in part_rows(job, result)]
    if rows:
        session.execute(insert_into(session, _PARTS).on_conflict_do_nothing(), rows)


def part_rows(job: Job, result: Result) -> list[dict[str, Any]]:
    """A row for each number of an attempt that was taken, at least in part. Pure."""
    count = len((job.to_phone or "").split(","))
    is_taken = result.outcome is Outcome.SENT or result.taken_in_part
    if count < 2 or not is_taken:
        return []
    # What a provider says of fewer or more numbers cannot be told apart: they share its id.
    shared = [Part(place, result.provider_message_id) for place in range(count)]
    parts = result.parts if len(result.parts) == count else shared
    return [
        {
            "outbox_id": job.id,
            "attempt_no": job.entry_no,
            "place": part.place,
            "status": AttemptStatus.FAILED_FINAL if part.is_refused else AttemptStatus.SENT,
            "provider": result.provider,
            "provider_message_id": part.message_id or result.provider_message_id,
            "reason": part.reason if part.is_refused else None,
        }
        for part in parts
    ]


def chosen_parts(
    parts: Sequence[DeliveryPart],
    numbers: Sequence[str],
    message_id: str | None,
    number: str | None,
) -> list[DeliveryPart]:
    """Those that a report is about, by its id and number; all, where it names neither. Pure."""
    by_id = [one for one in parts if message_id and one.provider_message_id == message_id]
    found = by_id or list(parts)
    if number:
        digits = [one.removeprefix("+") for one in numbers]
        named = [one for one in found if _same(digits[one.place], number)]
        return named or found
    return found


def _same(digits: str, number: str) -> bool:
    """A provider may leave the country code out."""
    return digits == number or digits.endswith(number.lstrip("0")[-9:])


def whole_of(parts: Iterable[DeliveryPart]) -> AttemptStatus:
    """What the numbers' fates are together: SENT as long as one of them is open. Pure."""
    statuses = {one.status for one in parts}
    if AttemptStatus.SENT in statuses:
        return AttemptStatus.SENT
    return statuses.pop() if len(statuses) == 1 else AttemptStatus.PARTLY_DELIVERED


def undelivered(parts: Sequence[DeliveryPart]) -> str | None:
    """Which of them did not get it, by their places, and why; None: nobody is known to. Pure."""
    failed = [one for one in parts if one.status is AttemptStatus.FAILED_FINAL]
    named = (
        f"number {one.place + 1} of {len(parts)}: {one.reason or 'no reason'}" for one in failed
    )
    return f"Not delivered to {'; '.join(named)}" if failed else None
