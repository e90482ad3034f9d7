"""What in a gateway's 2xx is a yes, a no, or neither: its owner's rules, else what can be told.

A rule is a JSON pointer (RFC 6901) and the values that it may have: `/code=100,101`. Pure.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

#: Words that no gateway writes into a yes.
_TROUBLE = re.compile(
    r"error|fail|invalid|reject|denied|refus|insufficient|unauthori|forbidden|exception|^-\d+",
    re.IGNORECASE,
)
_MISSING = object()


@dataclass(frozen=True, slots=True)
class AnswerRule:
    """`pointer` leads to one of `values`, which are compared as text."""

    pointer: tuple[str, ...]
    values: frozenset[str]

    def holds(self, answer: Any) -> bool:
        """Whether the answer says so."""
        found = _at(answer, self.pointer)
        return found is not _MISSING and _as_text(found) in self.values


def answer_rules(text: str) -> tuple[AnswerRule, ...]:
    """Rules from a setting: `/success=true; /code=100,101`. Raises ValueError."""
    return tuple(map(_rule, filter(None, (one.strip() for one in text.split(";")))))


def _rule(text: str) -> AnswerRule:
    pointer, equals, values = text.partition("=")
    pointer = pointer.strip()
    if not equals or (pointer and not pointer.startswith("/")):
        raise ValueError("expected a JSON pointer and values, as /code=100,101")
    parts = tuple(one.replace("~1", "/").replace("~0", "~") for one in pointer.split("/")[1:])
    return AnswerRule(parts, frozenset(one.strip() for one in values.split(",")))


def _at(answer: Any, pointer: tuple[str, ...]) -> Any:
    for part in pointer:
        if isinstance(answer, dict) and part in answer:
            answer = answer[part]
        elif isinstance(answer, list) and part.isdecimal() and int(part) < len(answer):
            answer = answer[int(part)]
        else:
            return _MISSING
    return answer


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def sign_of_trouble(answer: Any) -> str | None:
    """What keeps an answer from being a yes, by the names most gateways use; None: nothing."""
    if isinstance(answer, str):
        return "words of an error" if _TROUBLE.search(answer) else None
    if isinstance(answer, (bool, int, float)):
        return "false, or a negative number" if answer is False or answer < 0 else None
    return _trouble_within(answer)


def _trouble_within(answer: Any, depth: int = 3) -> str | None:
    """The same of the objects of an answer, down to a few levels."""
    inner = answer
    if isinstance(answer, dict):
        for name in answer:
            look = _TELLING.get(name)
            found = look and look(name, answer[name])
            if found:
                return found
        inner = answer.values()
    elif not isinstance(answer, list):
        return None
    for one in inner if depth else ():
        if isinstance(one, (dict, list)):
            found = _trouble_within(one, depth - 1)
            if found is not None:
                return found
    return None


@lru_cache(maxsize=256)
def _is_trouble(words: str) -> bool:
    return _TROUBLE.search(words) is not None


def _of_verdict(name: str, said: Any) -> str | None:
    return f"{name} is false" if said in (False, 0, "false", "False", "0", "no") else None


def _of_error(name: str, said: Any) -> str | None:
    is_none = said in (None, False, 0, "", "0", [], {}, "null", "none", "OK")
    return None if is_none else f"it has {name}"


def _of_word(name: str, said: Any) -> str | None:
    words = (said.get("groupName"), said.get("name")) if isinstance(said, dict) else (said,)
    for one in words:
        if isinstance(one, str) and _is_trouble(one):
            return f"{name} is a word of trouble"
    return None


#: How a member is read that may keep an answer from being a yes.
_TELLING: Mapping[str, Callable[[str, Any], str | None]] = {
    **dict.fromkeys(("success", "ok", "successful", "accepted"), _of_verdict),
    **dict.fromkeys(
        ("error", "errors", "error_code", "errorCode", "error_message", "errorMessage", "fault"),
        _of_error,
    ),
    **dict.fromkeys(
        ("status", "state", "result", "response", "message_status", "messageStatus"), _of_word
    ),
}
