"""Damaged envelopes: refused by the two rejections there are, or still what was signed."""

import random
import time

import pytest
from esb_relay.errors import BadSignature, MalformedEnvelope
from esb_relay.keys.pairs import PrivateKey
from esb_relay.wire.envelope import Envelope, read_envelope, seal
from esb_relay.wire.incoming import read_answer, read_call
from esb_relay.wire.json_canonical import canonical as canonical_json
from esb_relay.wire.signature import sign, verify
from esb_relay.wire.terms import Format, Root
from esb_relay.wire.xml_canonical import canonical as canonical_xml
from esb_relay.wire.xml_span import parse

SECONDS = 4.0
SEEDS = {
    Format.JSON: [
        '{"success":true,"requestId":"R1","esbBody":{"n":[1.10,-0,1e21],"é":"😀\\u001f\\/"}}',
        '{"success":false,"message":"},\\"signature\\":\\"","esbBody":{"data":{"signature":null}}}',
    ],
    Format.XML: [
        "<data><success>true</success><esbBody><data>é &amp; 😀</data><b></b></esbBody></data>",
        "<data><apiCode>C</apiCode><esbBody>1</esbBody><esbBody>]]&gt;&#xd;</esbBody></data>",
    ],
}
SPLINTERS = {
    Format.JSON: [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b'"data":{}', b'"signature":"x"',
                  b"\\u0064", b"\\ud800", b"null", b"NaN", b"1e999", b"-", b"\x00", b"\xff", b" ",
                  b'{"data":', b"\xef\xbb\xbf", b"\xc3", b'"esbBody":1,', b"0.10", b"\n"],
    Format.XML: [b"<", b">", b"/", b"&", b";", b"&amp;", b"&#0;", b"&#xFFFFFF;", b"&e;", b"<data>",
                 b"</data>", b"<data/>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<!DOCTYPE x>",
                 b"<?xml version='1.0'?>", b" a='b'", b"x:", b"\x00", b"\xff", b" ", b"\r\n",
                 b"<signature>", b"</signature>", b"<a/>", b"\xef\xbb\xbf", b"\xc3"],
}  # fmt: skip


def _damaged(raw: bytes, random_: random.Random, splinters: list[bytes]) -> bytes:
    for _ in range(random_.choice((1, 1, 2, 4))):
        at, to = sorted(random_.randrange(len(raw) + 1) for _ in range(2))
        raw = random_.choice(
            (
                raw[:at],
                raw[:at] + raw[to:],
                raw[:at] + raw[at:to] * 2 + raw[to:],
                raw[:at] + random_.choice(splinters) + raw[at:],
                raw[:at] + random_.choice(splinters) + raw[at + 1 :],
                raw[:at] + bytes([random_.randrange(256)]) + raw[at + 1 :],
                raw[to:] + raw[:at],
            )
        )
    return raw


def _value(envelope: Envelope) -> str:
    """The one spelling of what an envelope says."""
    if envelope.format is Format.JSON:
        return canonical_json(envelope.data)
    return canonical_xml(parse(envelope.data))


def _read_or_refused(envelope: Envelope) -> None:
    for read in (read_answer, read_call):
        try:
            read(envelope)
        except MalformedEnvelope:
            continue


@pytest.mark.parametrize("format_", list(Format))
def test_damaged_envelope_is_refused_or_says_what_was_signed(
    format_: Format, p256: PrivateKey
) -> None:
    random_ = random.Random(20240229)
    whole = [seal(data, sign(data, p256), format_, Root.RESPONSE) for data in SEEDS[format_]]
    said = {_value(read_envelope(raw)) for raw in whole}
    readable = verified = 0
    until = time.monotonic() + SECONDS
    for _ in range(60_000):
        if time.monotonic() > until:
            break
        raw = _damaged(random_.choice(whole), random_, SPLINTERS[format_])
        try:
            envelope = read_envelope(raw)
        except MalformedEnvelope:
            continue
        readable += 1
        _read_or_refused(envelope)
        try:
            verify(envelope, [p256.public])
        except BadSignature:
            continue
        verified += 1
        assert _value(envelope) in said
    assert readable > verified > 0
