"""A route under the id that the OpenAPI document's examples have. Idempotent.

Exchanges are none of its records: those are kept for some days only.
"""

from common.web.examples import EXAMPLE_ID
from sqlalchemy.orm import Session

from esb_relay.models import CallbackRoute, TargetKind


def seed(session: Session) -> None:
    """Add it if it is missing; what somebody has changed stays as it is."""
    if session.get(CallbackRoute, EXAMPLE_ID) is None:
        target = {"target_kind": TargetKind.QUEUE, "target": "example"}
        session.add(CallbackRoute(id=EXAMPLE_ID, name="example", **target))
