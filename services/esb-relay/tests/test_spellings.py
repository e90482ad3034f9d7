"""Spellings of one value that peers sign and others send: found after the bytes, within bounds."""

import json
import time
from collections.abc import Callable

import pytest
from esb_relay.errors import BadSignature
from esb_relay.keys.pairs import Curve, PrivateKey, generate
from esb_relay.wire import signature
from esb_relay.wire.envelope import Envelope, read_envelope
from esb_relay.wire.signature import MAX_SPELLED_BYTES, MAX_VERIFICATIONS, sign, verify
from esb_relay.wire.terms import Format, Spelling

# What arrives, and what its sender signed.
SPELLED = {
    "compact_sent_spaced": ('{ "n" : 1.10 }', '{"n":1.10}', Spelling.MINIFIED),
    "lower_escapes_sent_raw": ('{"e":"é😀"}', '{"e":"\\u00e9\\ud83d\\ude00"}', Spelling.ASCII),
    "raw_sent_escaped": ('{"e":"\\u00e9","n":1.10}', '{"e":"é","n":1.10}', Spelling.CANONICAL),
    "raw_sent_spaced": ('{ "e" : "\\u00E9", "n" : 1e2 }', '{"e":"é","n":1e2}', Spelling.CANONICAL),
    "control_in_lower_case": ('{"c":"\\u001F\\u0008\\u00e9"}', '{"c":"\\u001f\\bé"}',
                              Spelling.CANONICAL),
    "upper_escapes": ('{"e":"é😀","n":1.10}', '{"e":"\\u00E9\\uD83D\\uDE00","n":1.10}',
                      Spelling.ASCII),
    "upper_escapes_from_lower": ('{"e":"\\u00e9","n":1.10}', '{"e":"\\u00E9","n":1.10}',
                                 Spelling.ASCII),
    "php": ('{"u":"a/b é","n":1.10}', '{"u":"a\\/b \\u00e9","n":1.10}', Spelling.ASCII),
    "php_unescaped_unicode": ('{"u":"a/b é","n":1.10}', '{"u":"a\\/b é","n":1.10}',
                              Spelling.CANONICAL),
    "slash_and_upper_escapes": ('{"u":"a/b é"}', '{"u":"a\\/b \\u00E9"}', Spelling.ASCII),
    "plain_slash_sent_escaped": ('{"u":"a\\/b é","n":1.10}', '{"u":"a/b é","n":1.10}',
                                 Spelling.CANONICAL),
    "slash_in_a_name": ('{"a/b": "c/d"}', '{"a\\/b":"c\\/d"}', Spelling.CANONICAL),
    "half_of_a_pair": ('{"s":"\\uD83D/"}', '{"s":"\\ud83d\\/"}', Spelling.CANONICAL),
}  # fmt: skip


@pytest.mark.parametrize(("received", "signed", "spelling"), SPELLED.values(), ids=SPELLED.keys())
def test_signed_spelling_of_the_same_value_is_found_and_named(
    received: str, signed: str, spelling: Spelling, p256: PrivateKey, sealed: Callable[..., bytes]
) -> None:
    envelope = read_envelope(sealed(received, p256, signed=signed))
    assert verify(envelope, [p256.public]).verified_by is spelling
    assert envelope.data == received


@pytest.mark.parametrize(("received", "signed", "_spelling"), SPELLED.values(), ids=SPELLED.keys())
def test_every_spelling_that_is_tried_stands_for_the_same_value(
    received: str, signed: str, _spelling: Spelling
) -> None:
    def value(text: str) -> object:
        return json.loads(text)

    tried = [text for _, text in signature._spellings(Envelope(Format.JSON, received, ""))]
    assert signed in tried
    assert tried[0] == received
    assert len(tried) == len(set(tried)) <= 10
    assert all(value(text) == value(received) for text in tried)


@pytest.mark.parametrize(
    ("received", "signed"),
    [
        ('{"u":"a\\\\/b"}', '{"u":"a\\/b"}'),
        ('{"u":"a/b"}', '{"u":"a\\\\/b"}'),
        ('{"e":"\\\\u00e9"}', '{"e":"é"}'),
        ('{"e":"é"}', '{"e":"É"}'),
        ('{"e":"e\\u0301"}', '{"e":"é"}'),
        ('{"n":"1.10"}', '{"n":1.10}'),
    ],
)
def test_another_value_is_never_taken_for_a_spelling(
    received: str, signed: str, p256: PrivateKey, sealed: Callable[..., bytes]
) -> None:
    with pytest.raises(BadSignature):
        verify(read_envelope(sealed(received, p256, signed=signed)), [p256.public])


def padded(size: int) -> str:
    return '{ "n":1.10,"t":"' + "x" * size + '"}'


@pytest.mark.parametrize(("size", "is_found"), [(MAX_SPELLED_BYTES - 100, True),
                                                (MAX_SPELLED_BYTES, False)])  # fmt: skip
def test_spellings_are_tried_up_to_a_size(
    size: int, is_found: bool, p256: PrivateKey, sealed: Callable[..., bytes]
) -> None:
    received = padded(size)
    assert verify(read_envelope(sealed(received, p256)), [p256.public])
    spaced = read_envelope(sealed(received, p256, signed=received.replace(" ", "")))
    if is_found:
        assert verify(spaced, [p256.public]).verified_by is Spelling.MINIFIED
        return
    with pytest.raises(BadSignature, match="1 MiB"):
        verify(spaced, [p256.public])


def test_verifications_are_bounded_and_the_bytes_are_checked_with_every_key(
    p256: PrivateKey, sealed: Callable[..., bytes]
) -> None:
    others = [generate(Curve.SECP256R1).public for _ in range(MAX_VERIFICATIONS)]
    keys = [*others, p256.public]
    assert verify(read_envelope(sealed("{ }", p256)), keys).verified_by is Spelling.RAW
    with pytest.raises(BadSignature):
        verify(read_envelope(sealed("{ }", p256, signed="{}")), keys)
    few = [*others[:2], p256.public]
    for received, signed, spelling in SPELLED.values():
        envelope = read_envelope(sealed(received, p256, signed=signed))
        assert verify(envelope, few).verified_by is spelling


@pytest.mark.parametrize("piece", ['"é\\u00e9/",', "1.10,1e21,", '"\\u001f",', '["\\ud800"],'])
def test_the_largest_data_that_is_spelled_is_refused_quickly(piece: str, p256: PrivateKey) -> None:
    text = '{"a":[' + piece * (MAX_SPELLED_BYTES // len(piece) - 4) + "0]}"
    envelope = Envelope(Format.JSON, text, sign("{}", p256))
    began = time.process_time()
    with pytest.raises(BadSignature):
        verify(envelope, [p256.public])
    assert time.process_time() - began < 10
