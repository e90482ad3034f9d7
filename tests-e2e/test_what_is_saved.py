"""What an operator saves works as it was meant, or is refused with the reason."""

import gzip
import time

import pytest
from hub import unique

SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


def save(hub, noun: str, **fields):
    return hub.session.post(
        f"{hub.url}/api/proxy/{noun}/",
        headers={"Authorization": f"Bearer {hub.token}"},
        json=fields,
        timeout=30,
    )


def save_channel(hub, mediator, pattern: str, **fields):
    record = hub.new_mediator(mediator.url)
    given = {"name": unique("channel"), "path_pattern": pattern, "mediator_id": record["id"]}
    return save(hub, "channels", **given, **fields)


@pytest.mark.parametrize(
    ("pattern", "tail"),
    [
        ("(([a-z0-9]+)+/)+$", "a" * 31 + "!"),
        ("(a|aa)+$", "a" * 60 + "!"),
        ("([a-z]+)*[0-9]$", "b" * 40),
    ],
)
def test_no_pattern_takes_longer_than_its_path_is_long(hub, mediator, pattern, tail):
    prefix = f"/{unique('r')}/"
    saved = save_channel(hub, mediator, f"^{prefix}{pattern}")
    if saved.status_code == 422:
        return
    assert saved.status_code == 201
    hub.in_force()
    began = time.monotonic()
    answer = hub.call("GET", prefix + tail)
    took_s = time.monotonic() - began
    hub.api("DELETE", f"channels/{saved.json()['id']}/", 204)
    assert answer.status_code == 404
    assert took_s < 5  # what tries every way takes longer than the universe


@pytest.mark.parametrize("pattern", [r"^/r/(a)\1$", r"^/r/(?=a).*$", r"^/r/(?<!b)a$", "^/r/("])
def test_a_pattern_that_cannot_match_in_linear_time_is_refused_with_the_reason(
    hub, mediator, pattern
):
    saved = save_channel(hub, mediator, pattern)
    assert saved.status_code == 422
    assert saved.json()["errors"]["path_pattern"]


def test_methods_are_saved_in_capitals(hub, mediator):
    path = f"/{unique('low')}"
    saved = save_channel(hub, mediator, path, methods=["get", "Post"])
    assert saved.status_code == 201
    assert sorted(saved.json()["methods"]) == ["GET", "POST"]
    hub.in_force()
    assert hub.call("GET", path).status_code == 200
    refused = hub.call("DELETE", path)
    assert refused.status_code == 405
    assert "get" not in refused.headers["Allow"]


def test_an_ipv4_address_in_ipv6_spelling_is_the_ipv4_address(hub, base):
    mapped = hub.new_client(allowed_ips=["::ffff:127.0.0.1"])
    elsewhere = hub.new_client(allowed_ips=["::ffff:192.0.2.1"])
    hub.in_force()
    assert hub.call("GET", f"{base}/x", headers=mapped).status_code == 200
    assert hub.call("GET", f"{base}/x", headers=elsewhere).status_code == 403


@pytest.mark.parametrize("code", ["push_code", "api_code"])
def test_a_code_that_is_null_is_none(hub, mediator, code):
    channel = save_channel(hub, mediator, f"/{unique('esb')}").json()
    given = {"api_code": "A-1", "push_code": "P-1", code: None}
    saved = save(hub, "registrations", organization="NHIF", channel_id=channel["id"], **given)
    assert saved.status_code == 201, saved.text
    other = {"api_code", "push_code"} - {code}
    assert saved.json()[other.pop()]
    assert not saved.json()[code]


@pytest.fixture(scope="module")
def ruled(hub, shared_mediator):
    """A path whose JSON bodies are checked."""
    path = f"/{unique('ruled')}"
    fields = {"request_content_type": "application/json", "request_body_schema": SCHEMA}
    hub.new_channel(path, hub.new_mediator(shared_mediator.url)["id"], **fields)
    hub.in_force()
    return path


def post_packed(hub, path: str, text: bytes):
    return post_gzip(hub, path, gzip.compress(text))


def post_gzip(hub, path: str, packed: bytes):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return hub.call("POST", path, data=packed, headers=headers)


def test_a_packed_body_is_checked_as_what_it_says(hub, ruled, mediator):
    assert post_packed(hub, ruled, b'{"n":1}').status_code == 200
    (received,) = mediator.to(ruled)
    assert received.header("Content-Encoding") == ["gzip"]
    assert gzip.decompress(received.body) == b'{"n":1}'
    refused = post_packed(hub, ruled, b'{"n":"secret-value"}')
    assert refused.status_code == 422
    assert "/n" in refused.text
    assert "secret-value" not in refused.text
    assert len(mediator.to(ruled)) == 1


def test_a_packed_body_has_a_limit_on_what_it_unpacks_to(hub, ruled, mediator):
    bomb = gzip.compress(b'{"n":1}' + b" " * 200_000_000)  # takes seconds: before the clock starts
    began = time.monotonic()
    refused = post_gzip(hub, ruled, bomb)
    assert refused.status_code in (413, 422)
    assert time.monotonic() - began < 5
    assert mediator.to(ruled) == []


def test_a_body_larger_than_rules_are_applied_to_is_refused(hub, ruled, mediator):
    headers = {"Content-Type": "application/json"}
    body = b'{"n":1,"x":"' + b"y" * 1_100_000 + b'"}'
    assert hub.call("POST", ruled, data=body, headers=headers).status_code in (413, 422)
    assert mediator.to(ruled) == []


def test_a_call_by_channel_id_obeys_the_channels_pattern(hub, base, mediator, shared_channel):
    given = {"channel_id": shared_channel["id"], "method": "GET"}
    for path in ("/elsewhere", "/t%2e%2e/x", "/T/x"):
        answer = hub.call("POST", "/integration/call", json={**given, "path": path})
        assert answer.status_code in (404, 422), path
    spelled = f"{base}/%41%2Fb".replace("/t/", "/%74/")
    answer = hub.call("POST", "/integration/call", json={**given, "path": spelled})
    assert answer.status_code == 200, "matched after the same decoding as a call by path"
    assert mediator.received[-1].target == spelled


def test_a_call_by_channel_id_passes_no_name_with_an_underscore(
    hub, base, mediator, shared_channel
):
    headers = {"X_Client_Id": "someone-else", "X-Ward": "7"}
    given = {"channel_id": shared_channel["id"], "path": f"{base}/u", "headers": headers}
    answer = hub.call("POST", "/integration/call", json=given)
    if answer.status_code == 422:
        return
    assert answer.status_code == 200
    received = mediator.to(f"{base}/u")[0]
    assert (received.header("X_Client_Id"), received.header("X-Ward")) == ([], ["7"])


@pytest.mark.parametrize("body", [r'"\ud800"', r'{"a":"\udfff x"}', r'["\ud800\ud800"]'])
def test_half_a_character_in_a_call_by_channel_id_is_refused(
    hub, base, mediator, shared_channel, body
):
    raw = f'{{"channel_id":"{shared_channel["id"]}","path":"{base}/s","body":{body}}}'
    headers = {"Content-Type": "application/json"}
    answer = hub.call("POST", "/integration/call", data=raw, headers=headers)
    if body.startswith('"'):  # a text is sent as its characters, and this one has none
        assert answer.status_code == 422
        assert mediator.to(f"{base}/s") == []
    else:  # JSON is sent as it is spelled
        assert answer.status_code in (200, 422)
        assert [one.body for one in mediator.to(f"{base}/s")] in ([], [body.encode()])
