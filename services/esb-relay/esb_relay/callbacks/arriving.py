"""A verified call of the bus: what it says, whether it can be served, how it goes on record."""

import json
from dataclasses import dataclass, field

from esb_relay.callbacks.results import Result
from esb_relay.callbacks.targets import TargetCall
from esb_relay.engine.exchange_log import MAX_NAME, Beginning
from esb_relay.engine.outcomes import Outcome
from esb_relay.models import CallbackRoute, Direction, ExchangeMode, ExchangeStatus, TargetKind
from esb_relay.wire.envelope import Envelope
from esb_relay.wire.incoming import Call
from esb_relay.wire.signature import Verified
from esb_relay.wire.terms import Format
from esb_relay.wire.xml_body import xml_to_json


@dataclass(frozen=True, slots=True)
class VerifiedCall:
    """A call that GovESB vouches for."""

    raw: bytes = field(repr=False)
    envelope: Envelope
    call: Call
    verified: Verified


def may_repeat(route: CallbackRoute) -> bool:
    """Whether a target that may have run can be asked again: it knows an `Idempotency-Key`."""
    return route.is_repeatable or route.target_kind is TargetKind.PROXY


def trouble_with(call: Call, route: CallbackRoute | None) -> str:
    """Why a verified call cannot be served; empty when it can."""
    if route is None or not route.is_active:
        return "there is no such route"
    if not call.request_id:
        return "requestId is missing: without it the request cannot be told from a repeated one"
    if len(call.request_id) > MAX_NAME or len(call.api_code or "") > MAX_NAME:
        return f"requestId and apiCode may have {MAX_NAME} characters"
    return ""


def beginning_of(
    received: VerifiedCall, route_name: str, route: CallbackRoute | None, correlation_id: str
) -> Beginning:
    """What is on record of a call before its target is asked."""
    return Beginning(
        direction=Direction.INCOMING,
        mode=ExchangeMode.CALLBACK,
        code=received.call.api_code or "",
        organization=route.organization if route is not None else None,
        caller=route_name,
        correlation_id=correlation_id,
        format=received.envelope.format,
        envelope=received.raw,
        request_id=(received.call.request_id or "")[:MAX_NAME] or None,
    )


def body_of(call: Call) -> str | None:
    """What the target gets, as JSON text."""
    if call.esb_body is None or call.format is Format.JSON:
        return call.esb_body
    return xml_to_json(call.esb_body)


def event_data(call: TargetCall, route: CallbackRoute) -> str:
    """`data` of the event, as JSON text: the body keeps its digits."""
    known = {
        "route": call.route,
        "request_id": call.request_id,
        "api_code": call.api_code,
        "organization": route.organization,
    }
    return f'{json.dumps(known)[:-1]},"esb_body":{"null" if call.body is None else call.body}}}'


def status_of(result: Result) -> ExchangeStatus:
    """How the exchange ended for which a target gave this result."""
    if result.is_unknown:
        return ExchangeStatus.UNKNOWN
    return ExchangeStatus.SUCCEEDED if result.success else ExchangeStatus.FAILED


def outcome_of(
    status: ExchangeStatus, received: VerifiedCall, answer: bytes, reason: str | None
) -> Outcome:
    """The end of the exchange with what we answered."""
    return Outcome(status, reason, received=answer, verified=received.verified)
