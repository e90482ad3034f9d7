"""What is odd on the wire: passed on, or refused with its reason; never in half, never in HTML."""

import json

import pytest
from common.http.parsed_answer import MAX_HEAD_BYTES
from raw_client import send
from raw_mediator import answer, raw_answer

TWICE = b"Content-Length: %d\r\nContent-Length: %d\r\n\r\n"


def refused(got, hub, *, status: int = 502) -> str:
    """The reason, which is the same in the answer and on record."""
    assert got.status == status, got.raw[:300]
    kept = hub.transaction(got.correlation_id)
    assert kept["status"] == "failed"
    assert kept["error_message"]
    assert kept["error_message"] in got.problem["error"]
    return kept["error_message"]


@pytest.mark.parametrize(
    ("method", "status", "size"),
    [
        ("GET", "200 OK", 5),
        ("HEAD", "200 OK", 5),
        ("GET", "304 Not Modified", 5),
        ("GET", "200 OK", 400_000),
    ],
)
def test_a_length_said_twice_is_said_once(hub, base, mediator, method, status, size):
    body = b"" if method == "HEAD" or status.startswith("304") else b"x" * size
    head = f"HTTP/1.1 {status}\r\nETag: x\r\n".encode() + TWICE % (size, size)
    mediator.on(f"{base}/twice", raw_answer(head + body))
    got = send(hub, f"{method} {base}/twice HTTP/1.1")
    assert (got.status, got.body) == (int(status[:3]), body)
    # Without a body it may be left out.
    assert got.header("Content-Length") in ([str(size)], [] if got.status == 304 else [str(size)])


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_two_lengths_that_differ_are_refused_with_the_reason(hub, base, mediator, method):
    mediator.on(f"{base}/two", raw_answer(b"HTTP/1.1 200 OK\r\n" + TWICE % (5, 6) + b"xxxxxx"))
    got = send(hub, f"{method} {base}/two HTTP/1.1", "Content-Length: 0")
    if method == "HEAD":
        assert got.status == 502
        reason = hub.transaction(got.correlation_id)["error_message"]
    else:
        reason = refused(got, hub)
    assert "content-length" in reason.lower()


def test_a_length_beside_chunks_is_refused_with_the_reason(hub, base, mediator):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    mediator.on(f"{base}/both", raw_answer(head + b"5\r\nxxxxx\r\n0\r\n\r\n", close=True))
    got = send(hub, f"GET {base}/both HTTP/1.1")
    assert got.status in (200, 502)
    if got.status == 502:
        assert "length" in refused(got, hub).lower()
    else:  # as RFC 9112 allows: the chunks count
        assert got.body == b"xxxxx"
        assert got.header("Content-Length") in ([], ["5"])


def test_a_change_of_protocol_that_nobody_asked_for_is_refused_with_the_reason(hub, base, mediator):
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    mediator.on(f"{base}/101", raw_answer(head))
    assert "101" in refused(send(hub, f"GET {base}/101 HTTP/1.1"), hub)


@pytest.mark.parametrize("line", [b"No colon here", b"Bad name: 1", b": no name", b"X-Null: a\0b"])
def test_an_answer_with_a_malformed_field_is_refused_with_the_reason(hub, base, mediator, line):
    mediator.on(
        f"{base}/odd", raw_answer(b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n")
    )
    reason = refused(send(hub, f"GET {base}/odd HTTP/1.1"), hub)
    assert "broke off" not in reason
    assert "header" in reason.lower()


def test_what_is_no_http_at_all_is_refused_with_the_reason(hub, base, mediator):
    mediator.on(f"{base}/ssh", raw_answer(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", close=True))
    assert "HTTP" in refused(send(hub, f"GET {base}/ssh HTTP/1.1"), hub)


def test_300_fields_of_an_answer_are_passed_on_or_refused_with_the_reason(hub, base, mediator):
    fields = [f"X-Field-{number}: {number}" for number in range(300)]
    mediator.on(f"{base}/many", answer(b"ok", "200 OK", *fields))
    got = send(hub, f"GET {base}/many HTTP/1.1")
    if got.status == 200:
        assert [got.header(f"X-Field-{number}") for number in (0, 299)] == [["0"], ["299"]]
    else:
        assert "header" in refused(got, hub).lower()


def long_head(size: int) -> bytes:
    """An answer whose reason and fields have `size` bytes in all."""
    fields = b"Content-Length: 0\r\nX-Long: %b\r\n"
    text = b"x" * (size - len(b"OK" + fields % b""))
    return b"HTTP/1.1 200 OK\r\n" + fields % text + b"\r\n"


def test_the_longest_head_that_is_taken_passes_nginx_as_well(hub, base, mediator):
    mediator.on(f"{base}/long", raw_answer(long_head(MAX_HEAD_BYTES)))
    got = send(hub, f"GET {base}/long HTTP/1.1")
    assert got.status == 200, got.raw[:300]
    assert len(got.header("X-Long")[0]) > MAX_HEAD_BYTES - 50


@pytest.mark.parametrize("size", [MAX_HEAD_BYTES + 1, 65_500, 200_000])
def test_a_longer_head_is_refused_with_the_reason(hub, base, mediator, size):
    mediator.on(f"{base}/longer", raw_answer(long_head(size)))
    reason = refused(send(hub, f"GET {base}/longer HTTP/1.1"), hub)
    assert f"larger than {MAX_HEAD_BYTES} bytes" in reason


def test_a_reason_counts_as_well(hub, base, mediator):
    answered = b"HTTP/1.1 200 " + b"x" * 30_000 + b"\r\nContent-Length: 0\r\n\r\n"
    mediator.on(f"{base}/reason", raw_answer(answered))
    assert "larger than" in refused(send(hub, f"GET {base}/reason HTTP/1.1"), hub)


def test_100_fields_of_a_request_arrive(hub, base, mediator):
    fields = [f"X-Field-{number}: {number}" for number in range(100)]
    got = send(hub, f"GET {base}/many HTTP/1.1", *fields)
    assert got.status == 200, got.raw[:300]
    received = mediator.to(f"{base}/many")[0]
    assert [received.header(f"X-Field-{n}") for n in range(100)] == [[str(n)] for n in range(100)]


def test_raw_utf_8_in_a_query_is_passed_on_and_no_log_has_it(hub, base, mediator, eventually):
    query = "password=hunter2-é&n=é".encode()
    got = send(hub, b"GET " + f"{base}/echo?".encode() + query + b" HTTP/1.1")
    if got.status == 200:
        target = mediator.to(f"{base}/echo")[0].target
        assert target.encode("latin-1").endswith(b"?" + query)
    else:
        assert got.status == 400
        assert got.problem["correlation_id"]
    assert b"hunter2" not in got.raw
    log = hub.stack.installation.var_dir / "run" / "nginx" / "access.log"
    eventually(lambda: got.correlation_id.encode() in log.read_bytes())
    assert b"hunter2" not in log.read_bytes()
    assert b"hunter2" not in hub.output.read_bytes()


def test_two_cookie_lines_arrive_as_one_list(hub, base, mediator):
    assert send(hub, f"GET {base}/c HTTP/1.1", "Cookie: a=1; b=2", "Cookie: c=3").status == 200
    assert mediator.to(f"{base}/c")[0].header("Cookie") == ["a=1; b=2; c=3"]


def test_head_is_allowed_where_get_is(hub, mediator):
    path = f"/head-{mediator.port}-{hub.shape}"
    hub.new_channel(path, hub.new_mediator(mediator.url)["id"], methods=["GET"])
    hub.in_force()
    assert send(hub, f"HEAD {path} HTTP/1.1").status == 200
    assert mediator.received[-1].request_line.startswith("HEAD ")
    assert send(hub, f"DELETE {path} HTTP/1.1").status == 405


def test_every_line_that_the_hubs_processes_write_is_json(hub, base):
    for odd in (b"GET / HTTP/9.9", b"\x16\x03\x01", f"GET {base}/\xff HTTP/1.1".encode("latin-1")):
        send(hub, odd)
    lines = hub.output.read_text(errors="replace").splitlines()
    parted = (line.partition(" | ") for line in lines)
    said = [(name.strip(), words) for name, _, words in parted if name.startswith("proxy")]
    assert said
    assert [one for one in said if not _is_json(one[1])] == []


def _is_json(text: str) -> bool:
    # The supervisor's own words about a process that a test has ended.
    if text.startswith(("ended with", "did not stop")):
        return True
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
