"""What an answer of the engine means. The envelope decides; the HTTP status only where none is."""

from collections.abc import Sequence

from esb_relay.engine.outcomes import Outcome
from esb_relay.errors import BadSignature, MalformedEnvelope
from esb_relay.keys.pairs import PublicKey
from esb_relay.models import ExchangeStatus
from esb_relay.wire.envelope import read_envelope
from esb_relay.wire.incoming import Answer, read_answer
from esb_relay.wire.signature import Verified, verify

UNAUTHORIZED = 401
#: The engine, or what stands before it, had no time for us.
PASSING = frozenset({429, 502, 503})


def judge(status: int, received: bytes, keys: Sequence[PublicKey]) -> Outcome:
    """The outcome of a request that was answered with `status` and these bytes."""
    if 300 <= status < 400:
        return _without_envelope(status, received, ExchangeStatus.REFUSED, "it redirects")
    try:
        envelope = read_envelope(received)
        verified = verify(envelope, keys)
    except (MalformedEnvelope, BadSignature) as exc:
        return _unverified(status, received, str(exc))
    try:
        return _verified(status, received, read_answer(envelope), verified)
    except MalformedEnvelope as exc:
        # The bus's own words, whatever the status: the request was taken, so it is not sent again.
        reason = f"the engine answered {status}: {exc}"
        return Outcome(ExchangeStatus.UNVERIFIABLE, reason, status, received)


def judge_delivery(status: int, received: bytes, keys: Sequence[PublicKey]) -> Outcome:
    """The same for a late answer, which the engine may take without a word: 2xx is enough."""
    outcome = judge(status, received, keys)
    if 200 <= status < 300 and outcome.answer is None:
        return Outcome(ExchangeStatus.SUCCEEDED, http_status=status, received=received)
    return outcome


def undecodable(status: int, received: bytes, reason: str) -> Outcome:
    """The outcome where the answer cannot be unpacked: nobody can tell what it says."""
    return _unverified(status, received, reason)


def _verified(status: int, received: bytes, answer: Answer, verified: Verified) -> Outcome:
    ended = ExchangeStatus.SUCCEEDED if answer.success else ExchangeStatus.FAILED
    return Outcome(
        ended,
        reason=None if answer.success else answer.message or "the bus reported a failure",
        http_status=status,
        received=received,
        answer=answer,
        verified=verified,
    )


def _unverified(status: int, received: bytes, reason: str) -> Outcome:
    if status == UNAUTHORIZED:
        return _without_envelope(status, received, ExchangeStatus.REFUSED, "it takes no token")
    if status in PASSING:
        return _without_envelope(status, received, ExchangeStatus.REFUSED, "it is busy or away")
    return _without_envelope(status, received, ExchangeStatus.UNVERIFIABLE, reason)


def _without_envelope(status: int, received: bytes, ended: ExchangeStatus, why: str) -> Outcome:
    return Outcome(
        ended,
        reason=f"the engine answered {status}: {why}",
        http_status=status,
        received=received,
        is_passing=status in PASSING,
        wants_token=status == UNAUTHORIZED,
    )
