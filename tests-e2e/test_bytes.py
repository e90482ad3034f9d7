"""What is sent arrives byte for byte, both ways, and memory does not grow with it."""

import gzip
import hashlib
import os
import socket
from urllib.parse import urlsplit

import psutil
import pytest
from raw_mediator import answer, raw_answer

PROXY = "proxy-gateway"
MEBIBYTE = 1024 * 1024


def raw_request(hub, lines: list[str], body: bytes = b"") -> bytes:
    """Everything that comes back for a request written by hand."""
    address = urlsplit(hub.url)
    head = [*lines, "Host: hub.example", "Connection: close"]
    head += [f"{name}: {value}" for name, value in hub.credentials.items()]
    with socket.create_connection((address.hostname, address.port), timeout=20) as sock:
        sock.sendall(("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + body)
        pieces = []
        while piece := sock.recv(65536):
            pieces.append(piece)
        return b"".join(pieces)


@pytest.mark.parametrize(
    "target",
    [
        "/a?x=1&y=%20&x=2&empty=&flag",
        "/a?q=a+b%2Bc&utf=%C3%A9&raw=%zz",
        "/a%2Fb/%C3%A9?%61=%62",
        "/a//b/?",
        "/a;p=1?b=/../..",
        "/plus+and~tilde?'\"<>",
    ],
)
def test_paths_and_queries_arrive_as_they_were_sent(hub, base, mediator, target):
    got = raw_request(hub, [f"GET {base}{target} HTTP/1.1"])
    assert got.startswith(b"HTTP/1.1 200"), got[:300]
    expected = f"{base}{target}".removesuffix("?")
    assert mediator.received[-1].target == expected


def test_only_the_async_parameter_is_taken_out_of_a_query(hub, base, mediator):
    hub.call("GET", f"{base}/q?a=1&async=false&b=%2C&asynchronous=1")
    assert mediator.received[-1].target == f"{base}/q?a=1&b=%2C&asynchronous=1"


def test_what_identifies_the_caller_stays_behind_and_what_identifies_the_call_goes_on(
    hub, base, mediator
):
    response = hub.call(
        "GET",
        f"{base}/h",
        headers={
            "Authorization": "Bearer for-the-hub",
            "Connection": "X-Hop",
            "X-Hop": "1",
            "TE": "trailers",
            "Cookie": "kiungo_session=s; theirs=1",
            "X-Correlation-Id": "forged-0000",
            "X-Custom": "kept",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        },
    )
    got = mediator.received[-1]
    for name in ("Authorization", "X-Client-Id", "X-Client-Secret", "X-Hop", "TE", "Connection"):
        assert got.header(name) == [], name
    assert got.header("Cookie") == ["theirs=1"]
    assert got.header("X-Custom") == ["kept"]
    assert got.header("X-Correlation-Id") == [response.headers["X-Correlation-Id"]]
    assert response.headers["X-Correlation-Id"] != "forged-0000"
    assert got.header("Host") == [f"127.0.0.1:{mediator.port}"]
    assert got.header("X-Forwarded-For") == ["127.0.0.1"]
    assert got.header("X-Forwarded-Host") == [urlsplit(hub.url).netloc]
    assert got.header("X-Forwarded-Proto") == ["http"]
    assert got.header("traceparent") == ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]


def test_binary_bodies_arrive_as_they_were_sent(hub, base, mediator):
    sent, back = os.urandom(70_000), os.urandom(300_001)
    mediator.on(f"{base}/b", answer(back, "200 OK", "Content-Type: image/png"))
    response = hub.call("PUT", f"{base}/b", data=sent, headers={"Content-Type": "image/jpeg"})
    assert mediator.received[-1].body == sent
    assert response.content == back
    kept = hub.transaction(response.headers["X-Correlation-Id"])
    assert kept["request_body"] == "<binary 70000 bytes image/jpeg>"
    assert kept["response_body"] == "<binary 300001 bytes image/png>"


def test_chunked_requests_arrive_whole(hub, base, mediator):
    pieces = [os.urandom(99_991) for _ in range(9)]
    response = hub.call("POST", f"{base}/c", data=iter(pieces))
    assert response.status_code == 200
    assert mediator.received[-1].body == b"".join(pieces)


def test_gzip_stays_gzip_and_is_readable_on_record(hub, base, mediator):
    packed = gzip.compress('{"name":"Náomi"}'.encode())
    headers = ("Content-Type: application/json", "Content-Encoding: gzip")
    mediator.on(f"{base}/z", answer(packed, "200 OK", *headers))
    got = raw_request(hub, [f"GET {base}/z HTTP/1.1"])
    head, _, body = got.partition(b"\r\n\r\n")
    assert body == packed
    assert b"Content-Encoding: gzip" in head
    correlation_id = head.split(b"X-Correlation-Id: ")[1].split(b"\r\n")[0].decode()
    assert hub.transaction(correlation_id)["response_body"] == '{"name":"Náomi"}'


def test_repeated_headers_stay_repeated(hub, base, mediator):
    cookies = ["a=1; Path=/", "b=2; HttpOnly", "a=3"]
    mediator.on(f"{base}/s", answer(b"", "200 OK", *(f"Set-Cookie: {one}" for one in cookies)))
    got = raw_request(hub, [f"GET {base}/s HTTP/1.1"]).decode("latin-1")
    assert [
        line.partition(": ")[2] for line in got.split("\r\n") if line.startswith("Set-Cookie")
    ] == cookies


def test_head_has_the_length_and_no_body(hub, base, mediator):
    mediator.on(f"{base}/head", raw_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"))
    got = raw_request(hub, [f"HEAD {base}/head HTTP/1.1"])
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"Content-Length: 1234" in head
    assert body == b""


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_without_a_body_have_none(hub, base, mediator, status):
    mediator.on(f"{base}/none", raw_answer(f"HTTP/1.1 {status}\r\nETag: x\r\n\r\n".encode()))
    head, _, body = raw_request(hub, [f"GET {base}/none HTTP/1.1"]).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status}".encode())
    assert body == b""


def test_redirects_are_passed_back(hub, base, mediator):
    location = "Location: http://elsewhere.example/x?y=%20"
    mediator.on(f"{base}/r", answer(b"", "302 Found", location))
    response = hub.call("POST", f"{base}/r", data=b"x")
    assert response.status_code == 302
    assert response.headers["Location"] == "http://elsewhere.example/x?y=%20"
    assert hub.transaction(response.headers["X-Correlation-Id"])["status"] == "successful"


def test_interim_answers_are_passed_over(hub, base, mediator):
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    mediator.on(f"{base}/i", raw_answer(early + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    assert hub.call("GET", f"{base}/i").content == b"ok"


def test_a_mediator_cannot_steer_nginx(hub, base, mediator):
    mediator.on(f"{base}/x", answer(b"mine", "200 OK", "X-Accel-Redirect: /health/"))
    assert hub.call("GET", f"{base}/x").content == b"mine"


def stream_of(size: int):
    """A responder of `size` bytes that are never all in memory, and their digest."""
    block = bytes(range(256)) * 4096
    digest = hashlib.sha256()

    def respond(sock, _received):
        sock.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        left = size
        while left:
            piece = block[:left]
            digest.update(piece)
            sock.sendall(piece)
            left -= len(piece)

    return respond, digest


def test_100_mb_stream_through_flat_memory(hub, base, mediator):
    size = 100 * MEBIBYTE
    hub.call("GET", f"{base}/warm")
    respond, digest = stream_of(size)
    mediator.on(f"{base}/big", respond)
    before, most, got = proxy_memory(hub), 0, hashlib.sha256()
    with hub.session.get(
        f"{hub.url}{base}/big", headers=hub.credentials, stream=True, timeout=60
    ) as response:
        total = 0
        for at, piece in enumerate(response.iter_content(MEBIBYTE)):
            got.update(piece)
            total += len(piece)
            if at % 8 == 0:
                most = max(most, proxy_memory(hub))
    assert total == size
    assert got.digest() == digest.digest()
    assert most - before < 16 * MEBIBYTE
    kept = hub.transaction(response.headers["X-Correlation-Id"])
    assert kept["status"] == "successful"


def proxy_memory(hub) -> int:
    """Bytes that the proxy's processes hold for themselves."""
    parent = psutil.Process(hub.stack.pids()[PROXY])
    return sum(one.memory_full_info().uss for one in [parent, *parent.children(recursive=True)])


def test_an_answer_that_breaks_off_does_not_look_complete(hub, base, mediator, eventually):
    mediator.on(
        f"{base}/cut",
        raw_answer(
            b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + b"x" * 400_000, close=True
        ),
    )
    got = raw_request(hub, [f"GET {base}/cut HTTP/1.1"])
    head, _, body = got.partition(b"\r\n\r\n")
    assert len(body) < 900_000
    correlation_id = head.split(b"X-Correlation-Id: ")[1].split(b"\r\n")[0].decode()
    kept = eventually(
        lambda: (row := hub.transaction(correlation_id))["status"] == "failed" and row
    )
    assert "broke off" in kept["error_message"]


def test_long_texts_are_shortened_on_record_only(hub, base, mediator):
    text = "é" * 30_000
    mediator.on(f"{base}/long", answer(text.encode(), "200 OK", "Content-Type: text/plain"))
    response = hub.call("GET", f"{base}/long")
    assert response.content == text.encode()
    kept = hub.transaction(response.headers["X-Correlation-Id"])
    assert kept["response_body"] == "é" * 20_000 + "… [shortened]"
