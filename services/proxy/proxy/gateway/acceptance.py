"""Asynchronous calls: stored whole, answered 202, made by a worker."""

import json

from common.doorbell import Bell

from proxy.gateway.admitted import Admitted, preferences, request_copy
from proxy.gateway.idempotency import digest_of, key_row
from proxy.gateway.recording import Row, started_row
from proxy.gateway.replies import Reply, bytes_reply
from proxy.gateway.statements import Act
from proxy.gateway.writer import Rows, Writer
from proxy.models import TransactionStatus
from proxy.sealing import Sealer

STATUS_URL = "/transactions/{}/"
POLL_AFTER_S = 1


def accepted_reply(admitted: Admitted) -> Reply:
    """202 with the address of the call's state."""
    url = STATUS_URL.format(admitted.correlation_id)
    body = {
        "ok": True,
        "accepted": True,
        "correlation_id": admitted.correlation_id,
        "status_url": url,
    }
    headers = [("Location", url), ("Retry-After", str(POLL_AFTER_S))]
    if "respond-async" in preferences(admitted.call.headers):
        headers.append(("Preference-Applied", "respond-async"))
    return bytes_reply(
        202,
        "application/json",
        json.dumps(body).encode(),
        admitted.correlation_id,
        headers=headers,
    )


class Acceptance:
    """Puts calls where the worker finds them."""

    def __init__(self, writer: Writer, sealer: Sealer, bell: Bell) -> None:
        self._writer = writer
        self._sealer = sealer
        self._bell = bell

    def accept(self, admitted: Admitted) -> Reply:
        """Commit the whole call, ring for the worker, answer 202. Raises WriteFailed."""
        reply = accepted_reply(admitted)
        rows: Rows = {
            Act.START: started_row(
                admitted.call,
                admitted.body,
                channel_name=admitted.channel_name,
                client_name=admitted.client.client_id,
                organization=admitted.esb.organization if admitted.esb else None,
                status=TransactionStatus.PENDING,
                owner=None,
                storing=admitted.storing,
            ),
            Act.STORE: self._sealer.row(
                admitted.call.correlation_id,
                request_copy(admitted.call, admitted.body, is_async=True),
            ),
            Act.ACCEPT: _work_row(admitted),
        }
        if admitted.key is not None:
            digest = digest_of(admitted.call, admitted.body.read_whole())
            rows[Act.KEY] = key_row(
                admitted.call, admitted.client.client_id, admitted.key, digest, reply
            )
        self._writer.write(rows)
        self._bell.ring()
        return reply


def _work_row(admitted: Admitted) -> Row:
    esb = admitted.esb
    return {
        "correlation_id": admitted.call.correlation_id,
        "channel_id": admitted.channel.id if admitted.channel else None,
        "esb": None
        if esb is None
        else {"mode": esb.mode, "code": esb.code, "organization": esb.organization},
        "has_idempotency_key": admitted.key is not None,
        "next_attempt_at": admitted.call.started_at,
        "attempt_count": 0,
        "lease_until": None,
        "lease_token": None,
        "sent_at": None,
    }
