"""What a mediator or the bus answered, and how it is read."""

import re
from dataclasses import dataclass, field

from common.http.answer import Answer
from common.http.replies import Fields

from proxy.gateway.call import WHOLE_BYTES, Call
from proxy.gateway.mediator_reports import AS_IT_IS, MAX_BYTES, NotReadable, unwrap
from proxy.gateway.url_rewriting import may_be_rewritten, rewritten_body, rewritten_fields
from proxy.models import TransactionStatus
from proxy.record.final_status import judged_status, status_for
from proxy.record.heavy_bodies import heavy_bodies
from proxy.record.reports import Report

#: Larger answers cannot be fetched whole.
KEPT_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class Answered:
    """What a mediator or the bus said; `rest` still brings the body behind `body`.

    `error` is None for an answer that is none of the bus's failures; `was_not_sent` tells that the
    relay answered and the bus surely got nothing.
    """

    status: int
    headers: Fields
    body: bytes
    rest: Answer | None = None
    #: The words behind the status.
    phrase: str = ""
    #: The length that was announced, which is all there is of it for HEAD and 304.
    length: int | None = None
    error: str | None = None
    exchange_id: str | None = None
    was_not_sent: bool = False
    #: What the mediator reports besides; and its error, or why that could not be read.
    report: Report | None = None
    note: str | None = None

    @property
    def final_status(self) -> TransactionStatus:
        """How the call has ended with this answer."""
        if self.report is None:
            return status_for(self.status)
        return judged_status(self.status, own=self.report.status)


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer's body; None where it is larger than what is kept whole."""

    body: bytes | None = field(repr=False)
    length: int


async def unwrapped(answer: Answer) -> Answered:
    """A wrapped answer, read whole; one that cannot be read is passed on as it is."""
    answered = await read_up_to(MAX_BYTES, answer)
    if answered.rest is not None:
        answered.note = AS_IT_IS.format(f"it is larger than {MAX_BYTES} bytes")
        return answered
    try:
        # How much is packed in nobody knows.
        size_bytes = MAX_BYTES if _is_packed(answer.headers) else len(answered.body)
        found = await heavy_bodies.ask(
            size_bytes, unwrap, answer.status, answer.headers, answered.body
        )
    except NotReadable as exc:
        answered.note = AS_IT_IS.format(exc)
        return answered
    report = found.report
    return Answered(found.status, found.headers, found.body, report=report, note=report.reason)


async def read_up_to(max_bytes: int, answer: Answer) -> Answered:
    """An answer that is read whole, or of which `max_bytes` and a little were read."""
    pieces, size = [], 0
    while size <= max_bytes and (piece := await answer.read()):
        pieces.append(piece)
        size += len(piece)
    answered = Answered(answer.status, answer.headers, b"".join(pieces), phrase=answer.reason)
    answered.length = answer.length
    if size > max_bytes:
        answered.rest = answer
    return answered


def _is_packed(headers: Fields) -> bool:
    return any(name.lower() == "content-encoding" for name, _ in headers)


async def rewrite_addresses(answered: Answered, addresses: re.Pattern[bytes], call: Call) -> None:
    """Put the hub's address in place of the mediator's: in fields, and in text that is whole."""
    body = answered.body
    if answered.rest is None and body and may_be_rewritten(answered.headers):
        answered.body = await heavy_bodies.ask(
            len(body), rewritten_body, body, addresses, call.scheme, call.host
        )
        answered.length = len(answered.body)
    answered.headers = rewritten_fields(answered.headers, addresses, call.scheme, call.host)


async def read_on(answered: Answered) -> Whole:
    """Read the answer to its end; `answered.body` keeps its beginning. Raises OutcomeUnknown."""
    pieces, length = [answered.body], len(answered.body)
    if answered.rest is not None:
        while piece := await answered.rest.read():
            length += len(piece)
            if length <= KEPT_BYTES:
                pieces.append(piece)
    if length > KEPT_BYTES:
        return Whole(None, length)
    whole = b"".join(pieces)
    answered.body = whole[:WHOLE_BYTES] if answered.rest is not None else whole
    return Whole(whole, length)
