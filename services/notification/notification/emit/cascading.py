"""Which messages wait behind which: a rule's channels, one after the other. Pure."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from notification.emit.choose import Draft
from notification.models import MessageStatus

_NAMESPACE = uuid.UUID("6f1d1f0e-53c1-4ad6-9a3e-2f2a4f6f0c55")


def put_in_line(rows: Sequence[dict[str, Any]], drafts: Sequence[Draft]) -> list[dict[str, Any]]:
    """The steps of cascades among the drafts' rows; all but the first of each are WAITING now.

    A cascade has the same id when its event is repeated under its key.
    """
    lines: dict[uuid.UUID, list[tuple[dict[str, Any], Draft]]] = defaultdict(list)
    for row, draft in zip(rows, drafts, strict=True):
        if draft.rule.cascade_after_s is not None:
            key, _, _channel = row["idempotency_key"].rpartition(":")
            lines[uuid.uuid5(_NAMESPACE, key)].append((row, draft))
    return [one for id_, line in lines.items() if len(line) > 1 for one in _steps(id_, line)]


def _steps(id_: uuid.UUID, line: Sequence[tuple[dict[str, Any], Draft]]) -> list[dict[str, Any]]:
    steps = []
    for step, (row, draft) in enumerate(line):
        wait_s = draft.rule.cascade_after_s or 0
        begins = line[0][1].not_before
        is_next = step == 1
        if step:
            row["status"] = MessageStatus.WAITING
        steps.append(
            {
                "outbox_id": row["id"],
                "cascade_id": id_,
                "step": step,
                "wait_s": wait_s,
                "since": begins if is_next else None,
                "look_at": begins + timedelta(seconds=wait_s) if is_next else None,
            }
        )
    return steps
