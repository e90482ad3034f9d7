"""A call on record: its beginning before a byte leaves, its end before the answer goes."""

import asyncio
import time
from collections.abc import AsyncIterator

from common import tracing
from common.http.answer import Answer
from common.http.outcomes import OutboundError
from common.http.replies import Fields, Reply, problem_reply
from common.http.server_messages import BrokenReply
from common.logs import get_logger

from proxy.gateway.admitted import Admitted
from proxy.gateway.answered import Answered
from proxy.gateway.breaker import BegunTooLate
from proxy.gateway.call import WHOLE_BYTES, Call, Failure
from proxy.gateway.call_ends import answer_headers, end_rows, ended_call_row, judged
from proxy.gateway.rejections import RejectedCall
from proxy.gateway.sent_routes import SentRoutes
from proxy.models import TransactionStatus
from proxy.record.final_status import status_for
from proxy.record.heavy_bodies import heavy_bodies
from proxy.record.idempotency import digest_of, kept_answer, key_end_row, key_row
from proxy.record.indexed_fields import value_rows, values_of
from proxy.record.rejections import rejection_row
from proxy.record.reports import Report, recorded_elsewhere, report_rows
from proxy.record.retry_rows import FailedCall, first_retry, may_retry
from proxy.record.rows import Row, ended_row, ms_since
from proxy.record.sealing import Sealer
from proxy.record.statements import Act
from proxy.record.stored_calls import request_copy
from proxy.record.writer import Rows, WriteFailed, Writer

log = get_logger(__name__)

TOO_LATE = "the call waited for the record for too long; nothing was sent"
BROKE_OFF = "The mediator's answer broke off: {}"
#: How long a process that ends waits for routes that are under way.
SETTLE_S = 5.0
END_NOT_RECORDED = "The call was made, but its end cannot be recorded now"
#: Rows that hold bodies.
_WITH_BODIES = frozenset({Act.START, Act.WHOLE, Act.END})
CALLER_LEFT = "The caller went away before the answer was complete"


class CallRecord:
    """Records calls; `owner` is this process, whose calls others end once it is gone."""

    def __init__(
        self, writer: Writer, sealer: Sealer, owner: str, *, record_timeout_s: float
    ) -> None:
        self._writer = writer
        self._sealer = sealer
        self._owner = owner
        self._record_timeout_s = record_timeout_s
        self._settling: set[asyncio.Task[None]] = set()
        self._write_begin = tracing.within("begin", writer.begin)
        self._write_end = tracing.within("complete", writer.end)

    def reject(self, call: Call, client_claimed: str | None, rejected: RejectedCall) -> Reply:
        """Keep what was rejected, and answer it."""
        self._writer.reject(
            self._sealer.seal_rejection(rejection_row(call, client_claimed, rejected))
        )
        call.failure = Failure(rejected.reason, not rejected.may_have_acted)
        return rejected.reply(call.shown_id)

    async def keep_failed(self, admitted: Admitted, rejected: RejectedCall) -> None:
        """Keep a call that a rule for bodies rejected: one row that is final already."""
        ended = ended_row(
            admitted.call.correlation_id,
            TransactionStatus.FAILED,
            admitted.watch,
            response_status_code=rejected.status,
            error_message=rejected.reason,
        )
        rows = await end_rows(admitted, ended, None)
        if admitted.indexed_fields:
            await self._add_fields(rows, admitted)
        await self._writer.write(self._sealed(rows, admitted))

    async def begin(self, admitted: Admitted) -> None:
        """Commit a call's first rows.

        Raises WriteFailed, and BegunTooLate where that took so long that nobody waits any more.
        """
        started_ns = time.perf_counter_ns()
        call, body = admitted.call, admitted.body
        started = await admitted.started_row(TransactionStatus.PROCESSING, self._owner)
        rows: Rows = {Act.START: started}
        if admitted.keeps_whole_bodies:
            copy = await request_copy(call, body, is_async=False)
            rows[Act.STORE] = self._sealer.row(call.correlation_id, copy)
        if admitted.key is not None:
            digest = digest_of(call, await body.read_whole())
            rows[Act.KEY] = key_row(call, admitted.client.client_id, admitted.key, digest)
        await self._write_begin(self._sealed(rows, admitted))
        admitted.is_begun = True
        admitted.watch.store_ms = ms_since(started_ns)
        limit_s = self._record_timeout_s
        if admitted.channel is not None and admitted.channel.total_timeout_s < limit_s:
            limit_s = admitted.channel.total_timeout_s
        if admitted.watch.store_ms > limit_s * 1000:
            raise BegunTooLate(TOO_LATE)

    async def fail(
        self, admitted: Admitted, status: int, reason: str, *, esb_exchange_id: str | None = None
    ) -> Reply:
        """The call failed: record it, answer with a problem."""
        reply = problem_reply(status, reason, admitted.correlation_id)
        admitted.call.failure = Failure(reason, admitted.is_surely_not_sent)
        ended = ended_call_row(
            admitted,
            TransactionStatus.FAILED,
            status,
            [],
            None,
            error_message=reason,
            esb_exchange_id=esb_exchange_id,
        )
        return await self._end(admitted, ended, reply)

    async def complete(self, admitted: Admitted, answered: Answered) -> Reply:
        """The answer is here to its last byte: record it, pass it on."""
        body = answered.body
        copy = await admitted.storing.response_copy(answered.headers, body, len(body))
        status = status_for(answered.status)
        if answered.report is not None:
            status = answered.final_status
        if admitted.routes is not None:
            status = await judged(admitted.routes, answered)
        ended = ended_call_row(
            admitted,
            status,
            answered.status,
            answered.headers,
            copy,
            response_body_length=len(answered.body),
            error_message=answered.note,
            esb_exchange_id=answered.exchange_id,
        )
        admitted.report = answered.report
        admitted.note_answer(answered.headers, answered.body)
        headers = answer_headers(admitted, answered.headers)
        reply = Reply(
            answered.status, headers, answered.body, answered.phrase, length=answered.length
        )
        return await self._end(admitted, ended, reply)

    def stream(self, admitted: Admitted, answered: Answered, rest: Answer) -> Reply:
        """The answer is large or still made: pass it on as it comes; its end waits for the
        record."""
        headers = answer_headers(admitted, answered.headers)
        pieces = self._pieces(admitted, answered, rest)
        if admitted.call.slot is not None:
            pieces = admitted.call.slot.around(pieces)
        return Reply(answered.status, headers, pieces, answered.phrase, length=answered.length)

    async def _pieces(
        self, admitted: Admitted, answered: Answered, rest: Answer
    ) -> AsyncIterator[bytes]:
        """The body; what completes it for the caller leaves after the commit: the last byte where
        a length is announced, else what the server sends as its end."""
        piece, kept, total = answered.body, bytearray(answered.body), len(answered.body)
        error = CALLER_LEFT
        try:
            try:
                while total != answered.length:
                    if piece:
                        yield piece
                    piece = await rest.read()
                    if not piece:
                        break
                    total += len(piece)
                    if len(kept) < WHOLE_BYTES:
                        kept += piece
                error = ""
            except OutboundError as exc:
                error = BROKE_OFF.format(exc)
                admitted.has_broken_off = True
                raise BrokenReply(error) from exc
        finally:
            rest.abandon()
            await self._end_stream(admitted, answered, bytes(kept), total, error)
        if piece:
            yield piece

    async def _end_stream(
        self, admitted: Admitted, answered: Answered, kept: bytes, total: int, error: str
    ) -> None:
        status = TransactionStatus.FAILED if error else answered.final_status
        if admitted.routes is not None and not error:
            status = await judged(admitted.routes, answered)
        ended = ended_call_row(
            admitted,
            status,
            answered.status,
            answered.headers,
            await admitted.storing.response_copy(answered.headers, kept, total),
            response_body_length=total,
            error_message=error or answered.note,
        )
        if len(kept) == total and not error:
            admitted.note_answer(answered.headers, kept)
        key_end = self._key_end(admitted, answered.status, answered.headers, None)
        await self._commit(admitted, ended, key_end)

    async def _end(self, admitted: Admitted, ended: Row, reply: Reply) -> Reply:
        key_end = self._key_end(admitted, reply.status, reply.headers, reply.whole)
        if await self._commit(admitted, ended, key_end):
            return reply
        if admitted.call.failure is None:
            admitted.call.failure = Failure(END_NOT_RECORDED, is_surely_not_sent=False)
        return problem_reply(503, END_NOT_RECORDED, admitted.correlation_id)

    def _key_end(
        self, admitted: Admitted, status: int, headers: Fields, body: bytes | None
    ) -> Row | None:
        if admitted.key is None:
            return None
        kept = kept_answer(self._sealer, admitted.call.correlation_id, status, headers, body)
        return key_end_row(admitted.client.client_id, admitted.key, kept)

    def _sealed(self, rows: Rows, admitted: Admitted) -> Rows:
        for act in _WITH_BODIES & rows.keys():
            self._sealer.seal_bodies(rows[act], admitted.literal)
        return rows

    async def _report_rows(self, admitted: Admitted, report: Report) -> Rows:
        recorded = await recorded_elsewhere(report, admitted.storing)
        call_id = admitted.call.correlation_id
        sealed, properties = report_rows(self._sealer, call_id, recorded)
        return {Act.REPORT: sealed, **({Act.PROPERTIES: properties} if properties else {})}

    async def _commit(self, admitted: Admitted, ended: Row, key_end: Row | None) -> bool:
        """Commit the end; a database that is away gets it later."""
        rows = await end_rows(admitted, ended, key_end)
        if admitted.report is not None:
            rows |= await self._report_rows(admitted, admitted.report)
        if admitted.routes is not None:
            self._add_routes(rows, admitted, admitted.routes)
        if ended["status"] is TransactionStatus.FAILED:
            await self._add_what_repeats_it(rows, admitted, ended)
        if admitted.indexed_fields:
            await self._add_fields(rows, admitted)
        admitted.is_ended = True
        try:
            await self._write_end(self._sealed(rows, admitted))
        except WriteFailed:
            log.error("end_not_recorded", correlation_id=admitted.correlation_id)
            return False
        finally:
            if admitted.routes is not None and admitted.routes.are_in_progress:
                self._settle_later(admitted, admitted.routes, ended["status"])
        return True

    async def _add_what_repeats_it(self, rows: Rows, admitted: Admitted, ended: Row) -> None:
        """What it takes to make a failed call again, by itself or by hand.

        The request of a call that never began was not kept; where it streams it is not read now.
        """
        call, channel = admitted.call, admitted.channel
        if channel is None:
            return
        if not admitted.is_begun and admitted.body.is_whole and admitted.keeps_whole_bodies:
            copy = await request_copy(call, admitted.body, is_async=False)
            rows[Act.STORE] = self._sealer.row(call.correlation_id, copy)
        if channel.retry is not None and may_retry(
            FailedCall(
                call.method,
                ended["response_status_code"],
                is_surely_not_sent=admitted.is_surely_not_sent,
                has_broken_off=admitted.has_broken_off,
                is_for_bus=admitted.esb is not None,
            )
        ):
            row = first_retry(call.correlation_id, channel.id, channel.retry, ended["completed_at"])
            rows[Act.RETRY] = row

    async def _add_fields(self, rows: Rows, admitted: Admitted) -> None:
        """What the call is found by."""
        if not self._sealer.core.has_keys:
            return
        fields, bodies = admitted.indexed_fields, admitted.sent_bodies()
        size_bytes = len(fields) * sum(one.size_bytes for one in bodies)
        found = await heavy_bodies.ask(size_bytes, values_of, fields, bodies)
        if found:
            call_id = admitted.call.correlation_id
            rows[Act.FIELDS] = {"rows": value_rows(self._sealer, call_id, found)}

    def _add_routes(self, rows: Rows, admitted: Admitted, routes: SentRoutes) -> None:
        """Put the steps of the routes that have ended into `rows`."""
        call_id = admitted.call.correlation_id
        found = [
            self._sealer.report_row(call_id, one.part, {"orchestrations": [one.step]})
            for one in routes.take()
        ]
        if found:
            rows[Act.REPORT] = {"rows": [*rows.get(Act.REPORT, {"rows": []})["rows"], *found]}

    def _settle_later(
        self, admitted: Admitted, routes: SentRoutes, ended: TransactionStatus
    ) -> None:
        """Record the routes that nobody waited for, once they have ended."""
        task = asyncio.get_running_loop().create_task(self._settle(admitted, routes, ended))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _settle(
        self, admitted: Admitted, routes: SentRoutes, ended: TransactionStatus
    ) -> None:
        await routes.wait_for_all()
        rows: Rows = {}
        self._add_routes(rows, admitted, routes)
        judged = routes.judge(routes.statuses) if routes.judge else ended
        if judged != ended:
            call_id = admitted.call.correlation_id
            rows[Act.JUDGE] = {"key_correlation_id": call_id, "status": judged}
        self._writer.write_late(rows)

    async def settle(self) -> None:
        """Wait a little for routes that are under way, as a process ends."""
        if self._settling:
            await asyncio.wait(self._settling, timeout=SETTLE_S)
