"""The question that newcomers ask first: which channels were near, and why did each not match?"""

import uuid

import pytest
from proxy.gateway.match import CandidateChannel, ChannelIndex
from proxy.registry.patterns import compile_pattern
from proxy.registry.why_not import nearest, why_not

UP, DOWN = uuid.uuid4(), uuid.uuid4()


def is_online(mediator: uuid.UUID) -> bool:
    return mediator == UP


def channel(pattern: str, methods: str = "", mediator: uuid.UUID = UP) -> CandidateChannel:
    return CandidateChannel(
        uuid.uuid4(),
        f"the {pattern}",
        compile_pattern(pattern),
        frozenset(methods.split()),
        1,
        mediator,
    )


@pytest.mark.parametrize(
    ("given", "path", "reason"),
    [
        (channel("/a"), "/a", None),
        (channel("/a", "GET POST"), "/a", None),
        (channel("/a"), "/b", "/a does not match /b"),
        (channel("/a/*"), "/b/1", "/a/* does not match /b/1"),
        (channel(r"^/a/\d$"), "/a/x", r"^/a/\d$ does not match /a/x"),
        (channel("/a"), "/a/", "matches /a: a final slash makes another path"),
        (channel("/a/"), "/a", "matches /a/: a final slash makes another path"),
        (channel("/a/*"), "/a", "matches /a/: a final slash makes another path"),
        (channel("/patients"), "/Patients", "matches only in other letter case"),
        (channel("/Patients"), "/patients", "matches only in other letter case"),
        (channel("/patients/*"), "/PATIENTS/1", "matches only in other letter case"),
        (channel("/a", "PUT POST"), "/a", "takes POST, PUT, not GET"),
        (channel("/a", "", DOWN), "/a", "its mediator is offline"),
        (channel("/a", "POST", DOWN), "/a", "takes POST, not GET"),
        (channel("/a", "HEAD"), "/a", "takes HEAD, not GET"),
        (channel("/*"), "/a/../b", "the path has . or .. segments"),
    ],
)
def test_reason_is_told(given: CandidateChannel, path: str, reason: str | None) -> None:
    assert why_not(given, "GET", path, is_online) == reason


def near(channels: list[CandidateChannel], path: str, **how: int) -> list[str]:
    found = nearest(ChannelIndex(channels), "GET", path, is_online, **how)
    return [one["path_pattern"] for one in found]


PATTERNS = ["/labs", "/patients/*", "/patient", r"^/patients/\d+/visits$", "/x"]


@pytest.mark.parametrize(
    ("path", "patterns"),
    [
        ("/patients", ["/patients/*", r"^/patients/\d+/visits$", "/patient"]),
        ("/PATIENTS", ["/patients/*", r"^/patients/\d+/visits$", "/patient"]),
        ("/lab", ["/labs", "/patient", "/patients/*"]),
    ],
)
def test_nearest_channels_share_the_longest_start(path: str, patterns: list[str]) -> None:
    assert set(near([channel(one) for one in PATTERNS], path)) == set(patterns)
    assert near([channel(one) for one in PATTERNS], path)[0] == patterns[0]


def test_a_channel_that_would_take_other_letter_case_is_named_first() -> None:
    siblings = [channel(f"/demo/{name}") for name in ("echo", "env/ping", "esb", "x-ray")]
    assert near([*siblings, channel("/demo/*")], "/Demo/x")[0] == "/demo/*"


def test_no_more_are_told_than_asked_for() -> None:
    assert len(near([channel(one) for one in PATTERNS], "/p", most=2)) == 2


def test_without_channels_none_is_near() -> None:
    assert near([], "/a") == []


def test_near_channel_is_told_with_its_name_and_reason() -> None:
    found = nearest(ChannelIndex([channel("/a")]), "GET", "/a/", is_online)
    assert found == [
        {
            "channel": "the /a",
            "path_pattern": "/a",
            "why_not": "matches /a: a final slash makes another path",
        }
    ]
