"""Paths rewritten before a call leaves, as OpenHIM does it: a fixed path, or `s/from/to/g`. Pure.

`from` is an expression of RE2, so the time that it takes is linear in the path. An expression is
cut at each `/` that no backslash stands before; what follows a third one says how often: `g` for
every match, anything else (`s/f27/api/convert/fhir/g` has `convert` there) for the first.
"""

import re
from collections.abc import Callable
from urllib.parse import unquote

import re2
from common.errors import Invalid

from proxy.registry.patterns import MAX_PATTERN_MEMORY_BYTES, has_dot_segments

#: The raw path of a call becomes the path that the mediator is asked for.
Rewrite = Callable[[str], str]

_CUT = re.compile(r"(?<!\\)/")
#: `$1`, `$&` and `$$` as JavaScript has them.
_REFERENCE = re.compile(r"\$(\d{1,2}|&|\$)")
_TARGET = re.compile(r"[!-~]*")


class NotRewritten(Exception):
    """A rewritten path would mean something else than it says."""


def rewrite_of(path: str, expression: str) -> Rewrite | None:
    """What rewrites the paths of a channel; a fixed path comes first. Raises Invalid."""
    if path:
        check_path(path)
        return lambda _raw_path: path
    return _compiled(expression) if expression else None


def check_path(path: str) -> None:
    """What a fixed path must be. Raises Invalid."""
    if not path.startswith("/") or not _TARGET.fullmatch(path) or set(path) & set("?#"):
        raise _invalid("rewrite_path", "A percent-encoded path that starts with /, without a query")
    if has_dot_segments(unquote(path)):
        raise _invalid("rewrite_path", "Must not contain . or .. segments")


def _compiled(expression: str) -> Rewrite:
    start, *parts = _CUT.split(expression)
    if start != "s" or not parts or not parts[0]:
        raise _invalid("rewrite_expression", "Like s/from/to/ or s/from/to/g")
    sought, to, often = (part.replace("\\/", "/") for part in [*parts, "", ""][:3])
    if not _TARGET.fullmatch(to) or set(to) & set("?#"):
        raise _invalid("rewrite_expression", "What stands instead must be part of a path")
    options = re2.Options()
    options.max_mem, options.log_errors = MAX_PATTERN_MEMORY_BYTES, False
    try:
        found = re2.compile(sought, options)
    except (re2.error, UnicodeEncodeError) as exc:
        raise _invalid("rewrite_expression", "The expression does not compile") from exc
    count = 0 if often == "g" else 1
    return lambda raw_path: _checked(found.sub(lambda match: _expanded(to, match), raw_path, count))


def _expanded(to: str, match: "re2._Match[str]") -> str:
    def referred(reference: re.Match[str]) -> str:
        name = reference[1]
        if name == "$":
            return "$"
        number = 0 if name == "&" else int(name)
        return (match.group(number) or "") if number <= match.re.groups else reference[0]

    return _REFERENCE.sub(referred, to)


def _checked(path: str) -> str:
    path = path if path.startswith("/") else f"/{path}"
    if has_dot_segments(unquote(path)):
        raise NotRewritten("The rewritten path has . or .. segments")
    return path


def _invalid(field: str, reason: str) -> Invalid:
    return Invalid(f"{field}: {reason}", {field: [reason]})
