"""Secondary routes of one call, under way or done."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxy.models import TransactionStatus


@dataclass(frozen=True, slots=True)
class RouteOutcome:
    """How a route ended: its place among the channel's, from 1 on, and its step for the record.

    `status` is what the call is judged by: 502 without an answer, at least 500 for one that the
    route's check does not accept.
    """

    part: int
    status: int
    step: dict[str, Any] = field(repr=False)


class SentRoutes:
    """`waited` are those that the answer waits for, `others` those that it does not."""

    def __init__(
        self,
        waited: "Sequence[asyncio.Task[RouteOutcome]]",
        others: "Sequence[asyncio.Task[RouteOutcome]]",
    ) -> None:
        self._waited = waited
        self._tasks = (*waited, *others)
        self._taken: set[int] = set()
        #: How the call has ended by the routes' statuses; None where it has no answer.
        self.judge: Callable[[Collection[int]], TransactionStatus] | None = None

    async def wait_for_waited(self) -> None:
        """Until those have ended that the answer waits for."""
        if self._waited:
            await asyncio.wait(self._waited)

    async def wait_for_all(self) -> None:
        """Until all have ended."""
        await asyncio.wait(self._tasks)

    @property
    def statuses(self) -> list[int]:
        """Of those that have ended."""
        return [task.result().status for task in self._tasks if _has_ended(task)]

    @property
    def are_in_progress(self) -> bool:
        """Whether some have not ended, or are not taken for the record."""
        return len(self._taken) < len(self._tasks)

    def take(self) -> list[RouteOutcome]:
        """Those that have ended since this was last asked."""
        ended = [task.result() for task in self._tasks if _has_ended(task)]
        found = [one for one in ended if one.part not in self._taken]
        self._taken.update(one.part for one in found)
        return found


def _has_ended(task: "asyncio.Task[RouteOutcome]") -> bool:
    return task.done() and not task.cancelled()
