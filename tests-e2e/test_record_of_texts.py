"""What the record shows of bodies and fields: texts as texts, in every coding that systems use."""

import gzip
import zlib

import pytest
from raw_client import send
from raw_mediator import answer

TEXT = '{"name":"Ngôro","n":1}'


def deflate_without_header(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


CODED = [
    ("UTF-8", TEXT.encode()),
    ("identity", TEXT.encode()),
    ("deflate", deflate_without_header(TEXT.encode())),
    ("deflate", zlib.compress(TEXT.encode())),
    ("gzip", gzip.compress(TEXT[:9].encode()) + gzip.compress(TEXT[9:].encode())),
    ("gzip, gzip", gzip.compress(gzip.compress(TEXT.encode()))),
]
NAMES = ["utf-8", "identity", "raw-deflate", "deflate", "gzip-members", "gzip-twice"]
TEXTS = [
    "application/hl7-v2+er7",
    "application/edi-hl7v2",
    "application/jose",
    "application/jwt",
    "application/graphql",
    "application/x-pem-file",
]


@pytest.mark.parametrize(("coding", "packed"), CODED, ids=NAMES)
def test_a_coded_answer_is_passed_as_it_is_and_readable_on_record(
    hub, base, mediator, coding, packed
):
    headers = ("Content-Type: application/json", f"Content-Encoding: {coding}")
    mediator.on(f"{base}/coded", answer(packed, "200 OK", *headers))
    got = send(hub, f"GET {base}/coded HTTP/1.1")
    assert got.body == packed
    assert hub.transaction(got.correlation_id)["response_body"] == TEXT


@pytest.mark.parametrize(("coding", "packed"), CODED, ids=NAMES)
def test_a_coded_request_is_readable_on_record_and_can_be_rerun(
    hub, base, mediator, eventually, coding, packed
):
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    first = hub.call("POST", f"{base}/coded", data=packed, headers=headers)
    assert mediator.to(f"{base}/coded")[0].body == packed
    kept = hub.transaction(first.headers["X-Correlation-Id"])
    assert kept["request_body"] == TEXT
    rerun = hub.api("POST", f"transactions/{kept['correlation_id']}/rerun/", 202)
    eventually(lambda: hub.transaction(rerun["correlation_id"])["status"] == "successful")
    again = mediator.to(f"{base}/coded")[1]
    # Its bytes as they were, or its text without the coding.
    assert (again.body, again.header("Content-Encoding")) in (
        (packed, [coding]),
        (TEXT.encode(), []),
    )


@pytest.mark.parametrize("media_type", TEXTS)
def test_texts_of_the_field_are_texts_on_record(hub, base, mediator, media_type):
    mediator.on(f"{base}/text", answer(b"MSH|^~\\&|", "200 OK", f"Content-Type: {media_type}"))
    headers = {"Content-Type": media_type}
    call = hub.call("POST", f"{base}/text", data=b"PID|1", headers=headers)
    kept = hub.transaction(call.headers["X-Correlation-Id"])
    assert (kept["request_body"], kept["response_body"]) == ("PID|1", "MSH|^~\\&|")


def test_fields_in_utf_8_are_read_as_such(hub, base, mediator):
    field = "X-Facility: Ngôro".encode()
    raw = b"HTTP/1.1 200 OK\r\n" + field + b"\r\nContent-Length: 0\r\n\r\n"
    mediator.on(f"{base}/f", lambda sock, _received: sock.sendall(raw))
    got = send(hub, f"GET {base}/f HTTP/1.1", field)
    assert field in got.raw
    assert field in mediator.to(f"{base}/f")[0].head
    kept = hub.transaction(got.correlation_id)
    assert kept["request_headers"]["X-Facility"] == "Ngôro"
    assert kept["response_headers"]["X-Facility"] == "Ngôro"
