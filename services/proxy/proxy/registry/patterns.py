"""Path patterns of channels, and the paths that are not theirs to take. Pure.

Expressions are RE2's: the time they take is linear in the path, whoever wrote them.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import re2
from common.texts import _

from proxy.errors import BadPattern

#: Paths of the hub itself (DESIGN: "One address"). Ending in `/`: the whole tree below.
RESERVED_PATHS = (
    "/",
    "/.kiungo/",
    "/admin/",
    "/api/docs/",
    "/api/esb/",
    "/api/notification/",
    "/api/openhim/",
    "/api/policy-notification/",
    "/api/proxy/",
    "/favicon.ico",
    "/health/",
    "/integration/call",
    "/livez",
    "/metrics",
    "/oauth/token",
    "/readyz",
    "/tester/",
    "/transactions/",
    "/.well-known/jwks.json",
)
_RESERVED_EXACT = frozenset(path.rstrip("/") for path in RESERVED_PATHS)
_RESERVED_TREES = tuple(path for path in RESERVED_PATHS if path.endswith("/") and path != "/")

#: What one expression may use, compiled and with the states it remembers.
MAX_PATTERN_MEMORY_BYTES = 256 * 1024
#: The same, of all expressions together.
MAX_PATTERNS_MEMORY_BYTES = 16 * 1024 * 1024
#: How much of the start that all its paths share is looked for in an expression.
_MAX_START_BYTES = 128


#: RE2 takes a count that is far too large for letters; nobody means them.
_HUGE_COUNT = re.compile(r"\{\d*,?\d{9,}")


def _options() -> re2.Options:
    options = re2.Options()
    options.max_mem = MAX_PATTERN_MEMORY_BYTES
    options.never_capture = True
    options.log_errors = False
    return options


def is_reserved(path: str) -> bool:
    """Whether the hub itself answers `path` (percent-decoded)."""
    return path.rstrip("/") in _RESERVED_EXACT or path.startswith(_RESERVED_TREES)


def with_slash(text: str) -> str:
    """A pattern that is no expression starts with a slash."""
    return text if not text or text[0] == "/" or is_expression(text) else f"/{text}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled `path_pattern`; `exact` is the path when only that one matches.

    Every path that it matches begins with `start`.
    """

    text: str
    exact: str | None
    start: str = field(repr=False)
    matches: Callable[[str], bool] = field(repr=False, compare=False)


def is_expression(text: str) -> bool:
    """Whether a pattern is an expression: it starts with `^`, holds `/.*` or ends in `$`."""
    return text.startswith("^") or text.endswith("$") or "/.*" in text


def compile_pattern(text: str) -> Pattern:
    """Read a pattern: `/exact`, `/prefix/*` or `/pre*` (begins with), or an expression of RE2.

    An expression is looked for anywhere in a path, unless it starts with `^`; without a final `$`
    it matches whatever follows. Raises BadPattern, also for what can never match.
    """
    if is_expression(text):
        return _compile_regex(text)
    if not text.startswith("/"):
        raise BadPattern(_("A path pattern starts with / or, as a regular expression, with ^"))
    literal, star, rest = text.partition("*")
    if rest:
        raise BadPattern(_("A * stands at the end only; for more use ^ and an expression"))
    if has_dot_segments(literal):
        raise BadPattern(_("A path with . or .. segments is never matched"))
    if is_reserved(literal) and literal != "/":
        raise BadPattern(_("%(literal)s is reserved for the hub itself", literal=literal))
    if star:
        return Pattern(text, None, literal, lambda path: path.startswith(literal))
    if literal == "/":
        raise BadPattern(_("/ is reserved for the hub itself"))
    return Pattern(text, literal, literal, lambda path: path == literal)


def _compile_regex(text: str) -> Pattern:
    if _HUGE_COUNT.search(text):
        raise BadPattern(_("The regular expression does not compile: invalid repetition size"))
    try:
        expression = re2.compile(text, _options())
    except (re2.error, UnicodeEncodeError) as exc:
        raise BadPattern(
            _("The regular expression does not compile: %(reason)s", reason=_reason(exc))
        ) from exc
    start, is_all = _shared_by_all(expression, text) if text.startswith("^") else ("", False)
    if start.startswith(_RESERVED_TREES) or (is_all and is_reserved(start)):
        raise BadPattern(_("%(start)s is reserved for the hub itself", start=start))
    match = expression.match if text.startswith("^") else expression.search
    # Bytes: for text RE2's wrapper counts characters.
    return Pattern(text, None, start, lambda path: match(path.encode(errors="replace")) is not None)


class Expressions:
    """Many expressions, asked in one pass over a path instead of one pass for each.

    What it names is to be asked again: a match may begin elsewhere than where the pattern wants it.
    """

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._places: dict[str, int] = {}
        options = _options()
        options.max_mem = MAX_PATTERNS_MEMORY_BYTES
        self._set: re2.Set | None = re2.Set.SearchSet(options)
        for pattern in patterns:
            if is_expression(pattern.text) and pattern.text not in self._places:
                self._places[pattern.text] = self._set.Add(pattern.text)
        # Matches everything: where it is missing, RE2 gave up for want of memory.
        self._everything = self._set.Add("")
        try:
            self._set.Compile()
        except re2.error:  # for want of memory, too
            self._set = None

    def may_match(self, path: str) -> Callable[[Pattern], bool]:
        """Which patterns can match `path`: all but the expressions that were seen not to."""
        found = set(self._set.Match(path.encode(errors="replace"))) if self._set else set()
        if self._everything not in found:
            return lambda _: True
        return lambda pattern: self._places.get(pattern.text, self._everything) in found


def _reason(exc: Exception) -> str:
    """RE2's own words; it repeats the expression where that is at fault as a whole."""
    said = exc.args[0]
    words = said.decode(errors="replace") if isinstance(said, bytes) else str(exc)
    return words if len(words) <= 200 else f"{words[:200]}…"


def _shared_by_all(expression: re2._Regexp, text: str) -> tuple[str, bool]:
    """The start that all paths share which the expression matches, empty where it is not known;
    and whether that is the one path that it matches."""
    try:
        lowest, highest = expression.possiblematchrange(_MAX_START_BYTES)
    except re2.error:
        return "", False
    shared: bytes = lowest[: same_start(lowest, highest)]
    return shared.decode(errors="ignore"), lowest == highest and text.endswith("$")


def same_start(one: Sequence[object], other: Sequence[object]) -> int:
    """How many leading elements both have."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def has_dot_segments(path: str) -> bool:
    """Whether `path` climbs: `/a/../b`, `/./a`, the same with backslashes, and `/a/..;x/b`.

    Servlet containers cut `;x` off a segment before they resolve it.
    """
    if "." not in path:
        return False
    segments = path.replace("\\", "/").split("/")
    return any(segment.partition(";")[0] in {".", ".."} for segment in segments)
