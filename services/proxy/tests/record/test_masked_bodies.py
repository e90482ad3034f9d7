"""Fields that a channel masks stand in no text that is kept of its calls."""

import asyncio
import gzip
import json
import os
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from common.db.reader import HEAVY_BYTES
from proxy.container import Container
from proxy.models.sealed import NOT_STORED
from proxy.record import rows
from proxy.record.bodies import SHORTENED_MARK, stored_copy
from proxy.record.heavy_bodies import HeavyBodies
from proxy.record.masked_bodies import mask_of
from proxy.record.rows import Storing
from raw_mediator import RawMediator, answer

SECRET = "s" * 32
PHONE = "+255700000099"


def masked(kind: str, path: str, text: str) -> str:
    mask = mask_of([{"kind": kind, "expression": path}])
    assert mask is not None
    return mask(text)


@pytest.mark.parametrize(
    ("kind", "path", "text", "expected"),
    [
        ("json", "/a/phone", '{"n": 1.10, "a": {"phone": "1"}}', '{"n":1.10,"a":{"phone":"***"}}'),
        ("json", "/*/p", '[{"p": {"x": 1}}, {"q": 2}]', '[{"p":"***"},{"q":2}]'),
        ("json", "/p/0", '{"p": [1, 2]}', '{"p":["***",2]}'),
        ("json", "/p", '{"p": 1, "p": 2}', '{"p":"***"}'),
        ("json", "/p", '{"p": ', NOT_STORED),
        ("json", "/p", '{"p": NaN}', NOT_STORED),
        ("json", "/p", "no JSON", "no JSON"),
        ("xpath", "//id", "<a><id>1<b>2</b></id>t</a>", "<a><id>***</id>t</a>"),
        ("xpath", "/a/@id", '<a id="1"/>', '<a id="***" />'),
        ("xpath", "/a/text()", "<a>1<b/>2</a>", "<a>***<b /></a>"),
        ("xpath", "/a", '<?xml version="1.0" encoding="x"?><a>é</a>', "<a>***</a>"),
        ("xpath", "/a", "<a>", NOT_STORED),
        ("xpath", "/a", "<!DOCTYPE a><a>1</a>", NOT_STORED),
        ("xpath", "/a", "plain", "plain"),
        ("hl7", "PID-3.1", "MSH|^~\\&|\rPID|1||a^b~c\r", "MSH|^~\\&|\rPID|1||***^b~***\r"),
        ("hl7", "PID-5", "MSH|^~\\&|\r\nPID|1||||J^A\r\n", "MSH|^~\\&|\r\nPID|1||||***\r\n"),
        ("hl7", "PID-3.4.2", "MSH|\rPID|1||a^^^x&1\r", "MSH|\rPID|1||a^^^x&***\r"),
        ("hl7", "PID-3", "PID|1||a", "PID|1||a"),
    ],
)
def test_a_mask_stands_where_the_value_stood(
    kind: str, path: str, text: str, expected: str
) -> None:
    assert masked(kind, path, text) == expected


def test_a_mask_is_the_same_in_another_process() -> None:
    mask = mask_of(
        [{"kind": "xpath", "expression": "//id"}, {"kind": "hl7", "expression": "PID-3"}]
    )
    again = pickle.loads(pickle.dumps(mask))
    assert again == mask
    assert again("<id>1</id>") == "<id>***</id>"


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_what_is_long_is_masked_by_another_process(encoding: str) -> None:
    text = json.dumps({"p": PHONE, "pad": "x" * HEAVY_BYTES})
    body = gzip.compress(text.encode()) if encoding else text.encode()
    asked: list[int] = []

    class Counting(HeavyBodies):
        async def _ask(self, look: Any, *args: object) -> Any:
            asked.append(os.getpid())
            return await super()._ask(look, *args)

    async def copies(bodies: HeavyBodies) -> list[str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rows, "heavy_bodies", bodies)
            try:
                return [
                    await Storing(40, mask=mask).request_copy(
                        [("Content-Type", "application/json"), ("Content-Encoding", encoding)],
                        body,
                        len(body),
                    )
                    for mask in (mask_of([{"kind": "json", "expression": "/p"}]), None)
                ]
            finally:
                bodies.close()

    masked_copy, whole = asyncio.run(copies(Counting()))
    assert masked_copy == '{"p":"***","pad":"' + "x" * 22 + SHORTENED_MARK
    assert whole == text[:40] + SHORTENED_MARK
    assert len(asked) == 1


def test_a_text_is_masked_before_it_is_shortened_and_not_kept_where_it_is_cut() -> None:
    mask = mask_of([{"kind": "json", "expression": "/p"}])
    body = b'{"p": "secret", "q": "' + b"x" * 100 + b'"}'

    copy = stored_copy(body, len(body), "application/json", "", 30, mask)
    assert copy.startswith('{"p":"***","q":')
    assert copy.endswith(SHORTENED_MARK)
    assert stored_copy(body[:-9], len(body), "application/json", "", 300, mask) == NOT_STORED


@pytest.fixture
def upstream() -> Iterator[RawMediator]:
    started = RawMediator()
    yield started
    started.close()


def test_no_text_of_a_call_has_what_is_masked(
    served: Any, api: Any, upstream: RawMediator, container: Container
) -> None:
    fields = [{"kind": "json", "expression": path} for path in ("/phone", "/found/*/phone")]
    mediator = api.made("mediators", **api.a_mediator(endpoint_url=upstream.url))
    route = {"name": "archive", "url": upstream.url, "wait": True}
    api.made("channels", **api.a_channel(mediator, masked_fields=fields, routes=[route]))
    api.made("clients", **api.a_client(client_secret=SECRET))
    reply = f'{{"found": [{{"phone": "{PHONE}"}}], "id": 7}}'.encode()
    upstream.default = answer(reply, "200 OK", "Content-Type: application/json")

    given = {"json": {"phone": PHONE, "visit": 3}, "auth": ("clinic", SECRET)}
    answered = served.post("/patients/1", **given)

    assert answered.content == reply
    call = answered.headers["X-Correlation-Id"]
    kept = api.get(f"transactions/{call}/").get_json()["data"]
    assert (kept["request_body"], kept["response_body"]) == (
        '{"phone":"***","visit":3}',
        '{"found":[{"phone":"***"}],"id":7}',
    )
    assert kept["request_body_whole"] is False
    assert kept["orchestrations"]
    assert PHONE not in str(kept)


@pytest.mark.parametrize("path", ["//a//b", "id[last()]"])
def test_a_mask_that_is_none_is_rejected(api: Any, channel: dict[str, Any], path: str) -> None:
    wrong = {"masked_fields": [{"kind": "xpath", "expression": path}]}

    assert api.patch(f"channels/{channel['id']}/", wrong).status_code == 422


def test_a_form_has_a_mask_a_line(admin: Any, channel: dict[str, Any], api: Any) -> None:
    api.patch(
        f"channels/{channel['id']}/", {"masked_fields": [{"kind": "hl7", "expression": "PID-13"}]}
    )

    shown = admin.get(f"/admin/mediator/channels/{channel['id']}/edit/").text
    assert "\nhl7 PID-13</textarea>" in shown
