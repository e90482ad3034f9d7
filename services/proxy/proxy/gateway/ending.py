"""Step 11: the end of a call is committed, then its answer goes to the caller."""

from collections.abc import Iterator

from common.logs import get_logger
from common.upstream import Answer, UpstreamError

from proxy.gateway.admitted import Admitted
from proxy.gateway.bodies import stored_copy
from proxy.gateway.call import WHOLE_BYTES
from proxy.gateway.headers import answered_headers, recorded_headers
from proxy.gateway.idempotency import key_end_row
from proxy.gateway.recording import NOT_STORED, ended_row, status_for
from proxy.gateway.replies import CORRELATION_HEADER, Headers, Reply, problem_reply
from proxy.gateway.statements import Act
from proxy.gateway.writer import Rows, WriteFailed, Writer
from proxy.models import TransactionStatus

log = get_logger(__name__)

BROKE_OFF = "The mediator's answer broke off"
CALLER_LEFT = "The caller went away before the answer was complete"


class Ending:
    """Ends recorded calls."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def fail(self, admitted: Admitted, status: int, reason: str, **known: str | None) -> Reply:
        """The call failed: record it, answer with a problem."""
        reply = problem_reply(status, reason, admitted.correlation_id)
        rows = self._rows(
            admitted, TransactionStatus.FAILED, status, [], None, error_message=reason, **known
        )
        return self._end(admitted, rows, reply, b"".join(reply.body))

    def whole(
        self,
        admitted: Admitted,
        status: int,
        pairs: Headers,
        body: bytes,
        *,
        reason: str = "",
        error: str | None = None,
        esb_exchange_id: str | None = None,
    ) -> Reply:
        """The answer is here to its last byte: record it, pass it on."""
        headers = self._answer_headers(admitted, pairs)
        is_head = admitted.call.method == "HEAD"
        if not is_head and status >= 200 and status not in (204, 304):
            headers = [pair for pair in headers if pair[0].lower() != "content-length"]
            headers.append(("Content-Length", str(len(body))))
        rows = self._rows(
            admitted,
            TransactionStatus.FAILED if error else status_for(status),
            status,
            pairs,
            self._copy(admitted, pairs, body, len(body)),
            error_message=error,
            esb_exchange_id=esb_exchange_id,
        )
        reply = Reply(status, headers, [body] if body and not is_head else [], reason)
        return self._end(admitted, rows, reply, body)

    def stream(self, admitted: Admitted, answer: Answer, first: bytes) -> Reply:
        """The answer is large or live: pass it on in pieces; its end waits for the record."""
        headers = self._answer_headers(admitted, answer.headers)
        return Reply(answer.status, headers, self._pieces(admitted, answer, first), answer.reason)

    def _pieces(self, admitted: Admitted, answer: Answer, first: bytes) -> Iterator[bytes]:
        """The body, one piece behind: the last one leaves after the commit."""
        kept, total, waiting, error = first, len(first), first, CALLER_LEFT
        try:
            try:
                for piece in answer.read_rest(WHOLE_BYTES):
                    if waiting:
                        yield waiting
                    total += len(piece)
                    waiting = piece
                error = ""
            except UpstreamError as exc:
                error = BROKE_OFF
                raise ConnectionAbortedError(BROKE_OFF) from exc
        finally:
            answer.close()
            status = TransactionStatus.FAILED if error else status_for(answer.status)
            copy = self._copy(admitted, answer.headers, kept, total)
            rows = self._rows(
                admitted, status, answer.status, answer.headers, copy, error_message=error or None
            )
            self._commit(admitted, rows, answer.status, answer.headers, None)
        yield waiting

    def _answer_headers(self, admitted: Admitted, pairs: Headers) -> Headers:
        headers = answered_headers(pairs)
        headers = [pair for pair in headers if pair[0].lower() != "x-correlation-id"]
        headers.append((CORRELATION_HEADER, admitted.correlation_id))
        return headers

    def _copy(self, admitted: Admitted, pairs: Headers, head: bytes, total: int) -> str:
        if not head:
            return ""
        if not admitted.storing.response_body:
            return NOT_STORED
        first = {name.lower(): value for name, value in reversed(pairs)}
        return stored_copy(
            head,
            total,
            first.get("content-type", ""),
            first.get("content-encoding", ""),
            admitted.storing.max_chars,
        )

    def _rows(
        self,
        admitted: Admitted,
        status: TransactionStatus,
        code: int,
        pairs: Headers,
        copy: str | None,
        *,
        error_message: str | None = None,
        esb_exchange_id: str | None = None,
    ) -> Rows:
        return {
            Act.END: ended_row(
                admitted.call.correlation_id,
                status,
                admitted.watch,
                response_status_code=code,
                response_headers=recorded_headers(pairs),
                response_body=copy,
                error_message=error_message,
                esb_exchange_id=esb_exchange_id,
            )
        }

    def _end(self, admitted: Admitted, rows: Rows, reply: Reply, body: bytes) -> Reply:
        if self._commit(admitted, rows, reply.status, reply.headers, body):
            return reply
        return problem_reply(
            503,
            "The call was made, but its end cannot be recorded now",
            admitted.correlation_id,
        )

    def _commit(
        self, admitted: Admitted, rows: Rows, status: int, headers: Headers, body: bytes | None
    ) -> bool:
        """Commit the end; a database that is away gets it later."""
        if admitted.key is not None:
            rows[Act.KEY_END] = key_end_row(
                admitted.client.client_id, admitted.key, status, headers, body
            )
        try:
            self._writer.write(rows)
        except WriteFailed:
            log.error("end_not_recorded", correlation_id=admitted.correlation_id)
            self._writer.write_late(rows)
            return False
        return True
