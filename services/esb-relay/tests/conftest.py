"""Keys on every curve, awkward bodies, and envelopes signed over any text."""

from collections.abc import Callable

import pytest
from esb_relay.keys.pairs import Curve, PrivateKey, generate
from esb_relay.wire.envelope import seal
from esb_relay.wire.signature import sign
from esb_relay.wire.terms import Format, Root

Sealed = Callable[..., bytes]

# As a client may write it, and as it must arrive.
BODIES = {
    "one_point_zero": ('{"n":1.0}', '{"n":1.0}'),
    "trailing_zero": ('{"n": 1.10}', '{"n":1.1}'),
    "exponent": ("[1e21, 1E2, -0, 1.0E-5]", "[1.0E21,100.0,0,1.0E-5]"),
    "twenty_digits": ('{"nin":19900101141210000123}', '{"nin":19900101141210000123}'),
    "too_fine_for_a_double": ('{"n":0.12345678901234567891}', '{"n":0.12345678901234567891}'),
    "non_ascii": ('{"jina":"Mwana\\u00efsha Çelik"}', '{"jina":"Mwanaïsha Çelik"}'),
    "emoji": ('{"m":"\\ud83d\\ude00😀"}', '{"m":"😀😀"}'),
    "slashes": ('{"u":"https:\\/\\/a\\/b"}', '{"u":"https://a/b"}'),
    "control": ('{"c":"\\u001f\\u0008"}', '{"c":"\\u001F\\b"}'),
    "nested": (
        '{"data":{"data":1,"signature":"x"},"signature":"y"}',
        '{"data":{"data":1,"signature":"x"},"signature":"y"}',
    ),
    "looks_like_the_end": (
        '{"t":"},\\"signature\\":\\"","u":"<\\/data>"}',
        '{"t":"},\\"signature\\":\\"","u":"</data>"}',
    ),
    "null": ("null", "null"),
    "text": ('"habari"', '"habari"'),
    "array": ("[ ]", "[]"),
}


@pytest.fixture(params=BODIES.values(), ids=list(BODIES))
def awkward_body(request: pytest.FixtureRequest) -> tuple[str, str]:
    """(as a client writes it, as it must arrive)"""
    body: tuple[str, str] = request.param
    return body


@pytest.fixture(scope="session")
def keys() -> dict[Curve, PrivateKey]:
    return {curve: generate(curve) for curve in Curve}


@pytest.fixture(params=list(Curve))
def key(request: pytest.FixtureRequest, keys: dict[Curve, PrivateKey]) -> PrivateKey:
    """One key for each curve in turn."""
    return keys[request.param]


@pytest.fixture(scope="session")
def p256(keys: dict[Curve, PrivateKey]) -> PrivateKey:
    return keys[Curve.SECP256R1]


@pytest.fixture(scope="session")
def sealed() -> Sealed:
    """`sealed(data, key, signed=…)`: an envelope around `data`, signed over `signed` or `data`."""

    def build(data: str, key: PrivateKey, signed: str | None = None) -> bytes:
        format_ = Format.XML if data.startswith("<") else Format.JSON
        signature = sign(data if signed is None else signed, key)
        return seal(data, signature, format_, Root.RESPONSE)

    return build
