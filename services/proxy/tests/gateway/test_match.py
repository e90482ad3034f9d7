"""Which channel takes a call: path, then method, then mediator online, then priority, then name."""

import time
import uuid
from collections.abc import Callable
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proxy.errors import BadPattern
from proxy.gateway.match import (
    FEW,
    CandidateChannel,
    ChannelIndex,
    Matched,
    NoMethod,
    NoPath,
    Offline,
    Verdict,
)
from proxy.registry import patterns
from proxy.registry.patterns import compile_pattern, has_dot_segments, is_reserved
from proxy.registry.why_not import nearest

UP, DOWN = uuid.uuid4(), uuid.uuid4()


def channel(
    pattern: str,
    name: str = "",
    *,
    methods: str = "",
    priority: int = 1,
    mediator: uuid.UUID = UP,
) -> CandidateChannel:
    return CandidateChannel(
        uuid.uuid4(),
        name or pattern,
        compile_pattern(pattern),
        frozenset(methods.split()),
        priority,
        mediator,
    )


def verdict(channels: list[CandidateChannel], method: str, path: str) -> Verdict:
    return ChannelIndex(channels).match(method, path, lambda mediator: mediator == UP)


def taker(channels: list[CandidateChannel], path: str, method: str = "GET") -> str | None:
    """The name of the channel that takes the call."""
    found = verdict(channels, method, path)
    return found.channel.name if isinstance(found, Matched) else None


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/patients", "/patients", True),
        ("/patients", "/patients/", False),
        ("/patients", "/Patients", False),
        ("/patients", "/patients/1", False),
        ("/patients/", "/patients/", True),
        ("/patients/", "/patients", False),
        ("/lis/.*", "/lis/a", True),
        ("/lis/.*", "/x/lis/a", True),
        ("/lis/.*", "/lis", False),
        ("$", "/whatever", True),
        ("^/x/.*$", "/x/a", True),
        ("^/x/.*$", "/y/x/a", False),
        ("/a.*", "/a.b", True),
        ("/a.*", "/ab", False),
        ("/patients/*", "/patients/", True),
        ("/patients/*", "/patients/1/visits", True),
        ("/patients/*", "/patients", False),
        ("/patients/*", "/patients2/1", False),
        ("/patients/*", "/x/patients/1", False),
        ("/*", "/anything/at all", True),
        ("/é", "/é", True),
        (r"^/patients/\d+$", "/patients/12", True),
        (r"^/patients/\d+$", "/patients/12/x", False),
        (r"^/patients/\d+$", "/patients/x", False),
        (r"^/patients/\d+", "/patients/12/x", True),
        (r"^/a|^/b", "/b", True),
        (r"^/patients$", "/x/patients", False),
        (r"^(?i:/patients)$", "/PATIENTS", True),
        (r"^/a|/b", "/b", True),
        (r"^/a|/b", "/x/b", False),
        (r"^/a?b", "/b", True),
        (r"^(?:/a){0}/b", "/b", True),
        (r"^", "/b", True),
        (r"^/é\w*$", "/éa", True),
        (r"^/[éè]$", "/è", True),
        (r"^/a$", "/a\n", False),
        (r"^/r/(([a-z0-9]+)+/)+$", "/r/a/b1/", True),
    ],
)
def test_pattern_matches_a_path(pattern: str, path: str, matches: bool) -> None:
    assert compile_pattern(pattern).matches(path) is matches


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("patients", "starts with /"),
        ("", "starts with /"),
        ("*", "starts with /"),
        ("/a/*/b", "stands at the end only"),
        ("/a/**", "stands at the end only"),
        ("/*/", "stands at the end only"),
        ("/", "/ is reserved"),
        ("/admin", "reserved"),
        ("/admin/", "reserved"),
        ("/admin/*", "reserved"),
        ("/api/proxy/clients/", "reserved"),
        ("/api/proxy/*", "reserved"),
        ("/health", "reserved"),
        ("/oauth/token", "reserved"),
        ("/integration/call/", "reserved"),
        ("/transactions/*", "reserved"),
        ("/.well-known/jwks.json", "reserved"),
        (r"^/api/proxy/.*", "reserved"),
        (r"^/admin/x$", "reserved"),
        ("^(", "does not compile"),
        ("^[", "does not compile"),
        ("^(" + "(" * 5_000, "does not compile: .{1,201}$"),
        ("^a{99999999999}", "does not compile"),
        ("^a{1,99999999999}", "does not compile"),
        ("^a{1001}", "does not compile: invalid repetition size"),
        ("^(/admin/x|/admin/y)", "reserved"),
        ("^/metrics$", "reserved"),
        ("/a/../b", "segments"),
        ("/a/./*", "segments"),
        ("/(/.*", "does not compile"),
        ("^/a(?=b)", r"does not compile: invalid perl operator: \(\?="),
        ("^/a(?!b)", r"does not compile: invalid perl operator: \(\?!"),
        (r"^/(a)\1", r"does not compile: invalid escape sequence: \\1"),
        (r"^/a\Z", r"does not compile: invalid escape sequence: \\Z"),
        (r"^/\pL{1000}", "does not compile: pattern too large"),
        ("^/\ud800", "does not compile"),
    ],
)
def test_pattern_that_cannot_serve_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    with pytest.raises(BadPattern, match=reason) as caught:
        compile_pattern(pattern)
    assert "path_pattern" in caught.value.errors


@pytest.mark.parametrize(
    ("path", "reserved"),
    [
        ("/", True),
        ("//", True),
        ("/admin", True),
        ("/admin/", True),
        ("/admin/mediator/", True),
        ("/administration", False),
        ("/api/proxy", True),
        ("/api/proxy/x", True),
        ("/api/esb/relay/", True),
        ("/api/patients", False),
        ("/api/", False),
        ("/health", True),
        ("/health/live", True),
        ("/healthy", False),
        ("/oauth/token", True),
        ("/oauth/token/", True),
        ("/oauth/token/x", False),
        ("/livez", True),
        ("/metrics", True),
        ("/favicon.ico", True),
        ("/transactions/x/", True),
        ("/Admin/", False),
    ],
)
def test_hub_answers_its_own_paths(path: str, reserved: bool) -> None:
    assert is_reserved(path) is reserved


@pytest.mark.parametrize(
    ("path", "climbs"),
    [
        ("/a/../b", True),
        ("/a/./b", True),
        ("/..", True),
        ("/a/.", True),
        (r"/a\..\b", True),
        (r"/a/..\b", True),
        ("/a/..;/b", True),
        ("/a/..;x=1/b", True),
        ("/a/.;/b", True),
        ("/a/...", False),
        ("/a/.hidden", False),
        ("/a/b..c/d.", False),
        ("/a;v=1.0/b", False),
        ("/a/%2e%2e/b", False),  # was encoded twice: it is the mediator's letters, not its path
    ],
)
def test_path_that_climbs_is_seen(path: str, climbs: bool) -> None:
    assert has_dot_segments(path) is climbs


@pytest.mark.parametrize("path", ["/a/../b", "/a/./b", "/a/..;/b"])
def test_path_that_climbs_matches_nothing(path: str) -> None:
    assert verdict([channel("/*"), channel("^/")], "GET", path) == NoPath()


def test_lowest_priority_number_is_tried_first() -> None:
    channels = [channel("/a", "late", priority=2), channel("/*", "early", priority=1)]
    assert taker(channels, "/a") == "early"


@pytest.mark.parametrize(
    "patterns", [("/a", "/*"), ("/*", "/a"), ("^/a", "/*"), ("/a", "^/a"), ("/a", "/a")]
)
def test_name_decides_where_priorities_tie(patterns: tuple[str, str]) -> None:
    channels = [channel(patterns[0], "zebra"), channel(patterns[1], "ant")]
    assert taker(channels, "/a") == "ant"


def test_channel_that_does_not_take_the_method_is_passed_over() -> None:
    channels = [channel("/a", "first", methods="POST"), channel("/a", "second", priority=2)]
    assert taker(channels, "/a", "GET") == "second"
    assert taker(channels, "/a", "POST") == "first"


def test_channel_of_an_offline_mediator_is_passed_over() -> None:
    channels = [channel("/a", "first", mediator=DOWN), channel("/*", "second", priority=9)]
    assert taker(channels, "/a") == "second"


def test_path_with_only_offline_mediators_is_offline() -> None:
    channels = [channel("/a", "b", mediator=DOWN), channel("/a", "a", mediator=DOWN)]
    found = verdict(channels, "GET", "/a")
    assert isinstance(found, Offline)
    assert found.channel.name == "a"


@pytest.mark.parametrize(
    ("methods", "allow"),
    [(["POST"], ("POST",)), (["POST PUT", "GET POST"], ("GET", "HEAD", "POST", "PUT"))],
)
def test_allow_lists_the_methods_of_all_channels_on_the_path(
    methods: list[str], allow: tuple[str, ...]
) -> None:
    channels = [
        *(channel("/a", str(at), methods=some) for at, some in enumerate(methods)),
        channel("/b", methods="PATCH"),
    ]
    assert verdict(channels, "DELETE", "/a") == NoMethod(allow)


@pytest.mark.parametrize(
    ("methods", "is_taken"), [("GET", True), ("GET POST", True), ("HEAD", True), ("POST", False)]
)
def test_head_is_allowed_where_get_is(methods: str, is_taken: bool) -> None:
    found = verdict([channel("/a", methods=methods)], "HEAD", "/a")
    assert isinstance(found, Matched) is is_taken


def test_get_is_not_allowed_where_only_head_is() -> None:
    assert verdict([channel("/a", methods="HEAD")], "GET", "/a") == NoMethod(("HEAD",))


EXPENSIVE = [r"^/r/(([a-z0-9]+)+/)+$", r"^/.*[ab].{20}c$", "^/(a|aa)+$", "^/(.*a){25}$"]


@pytest.mark.parametrize("pattern", EXPENSIVE)
@pytest.mark.parametrize("path", ["/r/" + "a" * 31 + "!", "/" + "ab" * 4_000, "/" + "a" * 8_000])
def test_expression_takes_linear_time(pattern: str, path: str) -> None:
    index = ChannelIndex([channel(pattern)])
    started = time.process_time()
    for _ in range(10):
        index.on_path(path)
    assert time.process_time() - started < 0.5


def test_long_path_against_many_patterns_is_cheap() -> None:
    index = ChannelIndex(
        channel(pattern)
        for at in range(500)
        for pattern in (f"/some/{at}/*", rf"^/some/{at}/(([a-z0-9]+)+/)+$", f"/some/{at}")
    )
    path = "/some/499/" + "a/" * 4_000
    started = time.process_time()
    for _ in range(50):
        assert len(index.on_path(path)) == 2
        nearest(index, "GET", path + "!", lambda _mediator: True)
    assert time.process_time() - started < 0.5


@given(
    st.lists(st.sampled_from(["^/a|b", "/a/*", "/A/b", "/ab", "/abc/*", "^/ab?c$", "/b", "/*"])),
    st.text("/abc", max_size=5),
    st.integers(1, 9),
)
def test_channels_like_a_path_are_those_that_share_its_start(
    texts: list[str], path: str, most: int
) -> None:
    def shares(one: CandidateChannel) -> int:
        pairs = zip(one.pattern.text.lstrip("^").lower(), path, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    index = ChannelIndex(channel(text, f"{at:03}") for at, text in enumerate(texts))
    alike = sorted(index.channels, key=lambda one: -shares(one))
    assert index.alike(path, most) == alike[:most]


@pytest.mark.parametrize("memory_bytes", [patterns.MAX_PATTERNS_MEMORY_BYTES, 8_000, 1])
@given(
    st.lists(
        st.sampled_from(["^/a|b", "^/a/(b|c)*$", "/.*b", "b$", "^/a/é", "^", "^/[^/]+$", "/a/*"]),
        min_size=FEW + 1,
    ),
    st.text("/abcé\udc80", max_size=6).map("/{}".format),
)
def test_many_patterns_match_what_each_matches_alone(
    memory_bytes: int, texts: list[str], path: str
) -> None:
    channels = [channel(text, str(at)) for at, text in enumerate(texts)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patterns, "MAX_PATTERNS_MEMORY_BYTES", memory_bytes)
        found = ChannelIndex(channels).on_path(path)
    assert {one.name for one in found} == {
        one.name for one in channels if one.pattern.matches(path)
    }


def test_method_goes_before_online() -> None:
    channels = [channel("/a", methods="POST", mediator=DOWN)]
    assert verdict(channels, "GET", "/a") == NoMethod(("POST",))


@pytest.mark.parametrize("make", [list, lambda channels: list(reversed(channels))])
def test_order_of_the_records_does_not_matter(
    make: Callable[[list[CandidateChannel]], list[CandidateChannel]],
) -> None:
    channels = [channel("/a", "x"), channel("/*", "y"), channel("^/a", "w", priority=0)]
    assert taker(make(channels), "/a") == "w"


def test_named_channel_is_taken_where_its_pattern_fits_whichever_comes_first() -> None:
    index = ChannelIndex([channel("/a", "one"), channel("/a", "two", methods="POST")])
    found = index.match_named("two", "POST", "/a", lambda _mediator: True)
    assert isinstance(found, Matched)
    assert found.channel.name == "two"
    assert index.match_named("two", "GET", "/a", lambda _mediator: True) == NoMethod(("POST",))
    assert index.match_named("none", "GET", "/a", lambda _mediator: True) == NoPath()
    assert index.match_named("two", "POST", "/b", lambda _mediator: True) == NoPath()
