"""The body of a call by channel id: as it is spelled, or refused where it would not arrive so."""

import pytest
from common.errors import Invalid
from proxy.gateway.integration_calls import body_bytes


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        ("{}", b""),
        ('{"body": null}', b""),
        ('{"body": ""}', b""),
        ('{"body": "n\\u00e9e 🩺"}', "née 🩺".encode()),
        ('{"body": "\\ud83e\\ude7a"}', "🩺".encode()),
        ('{"body": {"n": 1.10, "big": 12345678901234567890}}', None),
        ('\ufeff{"body": [1]}', b"[1]"),
    ],
)
def test_body_is_what_was_spelled(raw: str, body: bytes | None) -> None:
    expected = body if body is not None else b'{"n": 1.10, "big": 12345678901234567890}'
    assert body_bytes(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        '{"body": "\\ud800"}',
        '{"body": "\\udc00 "}',
        '{"body": {"a": ["\\ud800"]}}',
        '{"body": {"\\udc00": 1}}',
        '{"body": NaN}',
        '{"body": [Infinity]}',
        '{"body": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=["high half", "low half", "nested", "name", "NaN", "Infinity", "endless"],
)
def test_body_that_would_not_arrive_is_refused(raw: str) -> None:
    with pytest.raises(Invalid) as refused:
        body_bytes(raw)
    assert list(refused.value.errors) == ["body"]
