"""The simulator itself: token server, engine, and a desk to tell it things."""

import json
import threading
import uuid
from collections import Counter, deque

from common import tracing

from esb_relay.demo.cases import CASES, Asked, good
from esb_relay.demo.http_server import LoopbackServer, Reply, Request
from esb_relay.demo.messages import Seal, failure_data
from esb_relay.demo.replies import answer
from esb_relay.demo.token_server import TokenServer
from esb_relay.errors import BadSignature, MalformedEnvelope
from esb_relay.keys.pairs import PrivateKey, PublicKey
from esb_relay.wire.envelope import Envelope, read_envelope
from esb_relay.wire.incoming import Call, read_answer, read_call
from esb_relay.wire.signature import verify

TOKEN_PATH = "/token"  # noqa: S105 - a path
CONTROL_PATH = "/simulator"
REMEMBERED = 1_000


class Simulator:
    """A bus with one client. `seen` counts requests by code, or by `requestId` for late answers."""

    def __init__(
        self, key: PrivateKey, client_key: PublicKey, *, client_id: str, secret: str
    ) -> None:
        self.tokens = TokenServer(client_id, secret)
        self.seen: Counter[str] = Counter()
        self.bodies: deque[bytes] = deque(maxlen=REMEMBERED)
        self._seal = Seal(key)
        self._client_key = client_key
        self._lock = threading.Lock()

    def serve(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path == TOKEN_PATH:
            return self.tokens.serve(request)
        if request.path == CONTROL_PATH:
            return self._control(request)
        if not self.tokens.accepts(request.headers.get("authorization", "")):
            return answer(b'{"error":"invalid_token"}', status=401)
        return self._engine(request)

    def _engine(self, request: Request) -> Reply:
        fields = {"Traceparent": request.headers.get("traceparent", "")}
        with tracing.request_span(request.method, fields) as span:
            span.route(request.method, request.path)
            return self._answered(request)

    def _answered(self, request: Request) -> Reply:
        self.bodies.append(request.body)
        try:
            envelope = read_envelope(request.body)
            verify(envelope, [self._client_key])
            if request.path.startswith("/async"):
                return self._late_answer(envelope)
            return self._call(envelope, read_call(envelope))
        except (MalformedEnvelope, BadSignature) as exc:
            return answer(f'{{"error":{json.dumps(str(exc))}}}'.encode(), status=400)

    def _call(self, envelope: Envelope, call: Call) -> Reply:
        code = call.api_code or call.push_code or ""
        body = call.esb_body
        return self._case(code, Asked(envelope.format, str(uuid.uuid4()), body))

    def _late_answer(self, envelope: Envelope) -> Reply:
        late = read_answer(envelope)
        request_id = late.request_id or ""
        return self._case(request_id, Asked(envelope.format, request_id, None))

    def _case(self, code: str, asked: Asked) -> Reply:
        with self._lock:
            self.seen[code] += 1
            times = self.seen[code]
        _, _, wanted = code.partition("!")
        name, _, most = wanted.partition(":")
        if not name or (most and times > int(most)):
            return good(asked, self._seal)
        case = CASES.get(name)
        if case is None:
            data = failure_data(asked.format, asked.request_id, f"no case is called {name}")
            return answer(self._seal.envelope(data))
        return case(asked, self._seal)

    def _control(self, request: Request) -> Reply:
        """`GET`: what was seen. `POST`: `{"tokens": {…oddities}, "revoke": true}`."""
        if request.method == "POST":
            wanted = json.loads(request.body or b"{}")
            if "tokens" in wanted:
                self.tokens.oddities = dict(wanted["tokens"])
            if wanted.get("revoke"):
                self.tokens.revoke_all()
        with self._lock:
            said = {"granted": self.tokens.granted, "seen": dict(self.seen)}
        return answer(json.dumps(said).encode())


def listen(simulator: Simulator, port: int = 0) -> LoopbackServer:
    """A server for `simulator`; it does not serve yet."""
    return LoopbackServer(port, simulator.serve)
