"""Two hubs' answers: what differs is found, and never shown."""

import gzip

import pytest
from proxy.models import Difference
from proxy.record.comparing import MOST_MEMBERS, Compared, HubAnswer, compare

JSON = ("Content-Type", "application/json")


def an_answer(body: bytes | None, status: int = 200, *headers: tuple[str, str]) -> HubAnswer:
    return HubAnswer(status, list(headers or (JSON,)), body)


def test_spelling_is_no_difference() -> None:
    packed = an_answer(gzip.compress(b'{"a":1,"b":[1.0]}'), 200, JSON, ("Content-Encoding", "gzip"))
    typed = ("content-type", "Application/JSON; charset=utf-8")
    assert compare(packed, an_answer(b'{"b": [1], "a": 1}', 200, typed)) is None
    assert compare(an_answer(b""), an_answer(b"")) is None


@pytest.mark.parametrize(
    ("ours", "theirs", "members"),
    [
        (b'{"a": 1, "b": 2}', b'{"a": 2, "c": 3}', ["/a", "/b", "/c"]),
        (b'{"a": {"b": [1, {"c": null}]}}', b'{"a": {"b": [1, {"c": 0}, 5]}}',
         ["/a/b/1/c", "/a/b/2"]),
        (b'{"a": null}', b"{}", ["/a"]),
        (b'{"x/y": 1, "~": 1}', b'{"x/y": 2, "~": 2}', ["/x~1y", "/~0"]),
        (b"[1]", b'{"0": 1}', ["/"]),
        (b'{"a": true}', b'{"a": 1}', ["/a"]),
    ],
)  # fmt: skip
def test_members_that_differ_are_named(ours: bytes, theirs: bytes, members: list[str]) -> None:
    assert compare(an_answer(ours), an_answer(theirs)) == Compared(Difference.BODY, members, "")


def test_only_so_many_members_are_named() -> None:
    ours = b"[" + b",".join(b"1" for _ in range(80)) + b"]"
    found = compare(an_answer(ours), an_answer(ours.replace(b"1", b"2")))
    assert found is not None
    assert (len(found.members), found.note) == (MOST_MEMBERS, "30 more members differ")


def test_what_is_no_json_differs_by_its_digest_and_shows_nothing() -> None:
    found = compare(an_answer(b"Asha Mushi"), an_answer(b"Juma Mushi"))
    assert found is not None
    assert (found.difference, found.members) == (Difference.BODY, [])
    assert found.note.startswith("10 bytes, SHA-256 ")
    assert "Mushi" not in repr(found)


def test_status_comes_before_type_and_type_before_body() -> None:
    other = an_answer(b"x", 404, ("Content-Type", "text/plain"))
    found = compare(an_answer(b"y"), other)
    assert found is not None
    assert found.difference is Difference.STATUS
    found = compare(an_answer(b"y"), an_answer(b"x", 200, ("Content-Type", "text/plain")))
    assert found is not None
    assert found.difference is Difference.CONTENT_TYPE


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a": ' * 50_000])
def test_bodies_that_cannot_be_read_are_compared_by_digest(body: bytes) -> None:
    found = compare(an_answer(body), an_answer(b"[]"))
    assert found is not None
    assert found.difference is Difference.BODY


def test_what_is_not_here_whole_is_compared_by_status_and_type_only() -> None:
    assert compare(an_answer(None), an_answer(b"x")) is None
    found = compare(an_answer(b"x"), an_answer(b"y" * (1024 * 1024 + 1)))
    assert found is not None
    assert "too large" in found.note
