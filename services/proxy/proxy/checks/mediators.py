"""How mediators do at this moment, asked once for an answer or a page."""

import uuid
from collections.abc import Collection, Mapping

from common.clock import utc_now
from flask import g
from sqlalchemy import select

from proxy.container import container
from proxy.models import Mediator
from proxy.statistics.judging import Judged, MediatorState, judged_mediators


def state_of(mediator_id: uuid.UUID, channels: Collection[str] | None = None) -> MediatorState:
    """What is known of a mediator: by its switch, its heartbeats and its calls.

    Of `channels` where they are given: the same ones for the whole of an answer.
    """
    if "judged_mediators" not in g:
        g.judged_mediators = _all(channels)
    found: Mapping[uuid.UUID, Judged] = g.judged_mediators
    judged = found.get(mediator_id)
    return MediatorState.UNKNOWN if judged is None else judged.state


def _all(channels: Collection[str] | None) -> Mapping[uuid.UUID, Judged]:
    timeout_s = container().settings.heartbeat_timeout_s
    with container().database.reading() as session:
        mediators = session.scalars(select(Mediator)).all()
        return judged_mediators(session, mediators, utc_now(), timeout_s, channels)
