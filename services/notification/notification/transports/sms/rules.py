"""What in a gateway's 2xx is a yes, a no, or neither: its owner's rules, else what can be told.

A rule is a JSON pointer (RFC 6901) and the values that it may have: `/code=100,101`. Pure.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: Words that no gateway writes into a yes.
_TROUBLE = re.compile(
    r"error|fail|invalid|reject|denied|refus|insufficient|unauthori|forbidden|exception|^-\d+",
    re.IGNORECASE,
)
_VERDICTS = ("success", "ok", "successful", "accepted")
_ERRORS = ("error", "errors", "error_code", "errorCode", "error_message", "errorMessage", "fault")
_WORDS = ("status", "state", "result", "response", "message_status", "messageStatus")
_TELLING = frozenset((*_VERDICTS, *_ERRORS, *_WORDS))
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
    return next(filter(None, map(_of_object, _objects(answer))), None)


def _of_object(answer: Mapping[str, Any]) -> str | None:
    if _TELLING.isdisjoint(answer):
        return None
    for name in _VERDICTS:
        if name in answer and answer[name] in (False, 0, "false", "False", "0", "no"):
            return f"{name} is false"
    for name in _ERRORS:
        if answer.get(name) not in (None, False, 0, "", "0", [], {}, "null", "none", "OK"):
            return f"it has {name}"
    for name in _WORDS:
        said = answer.get(name)
        if said is None:
            continue
        words = [said.get("groupName"), said.get("name")] if isinstance(said, dict) else [said]
        if any(isinstance(one, str) and _TROUBLE.search(one) for one in words):
            return f"{name} is a word of trouble"
    return None


def _objects(answer: Any, depth: int = 3) -> Iterator[Mapping[str, Any]]:
    """The objects of an answer, down to a few levels."""
    if isinstance(answer, dict):
        yield answer
    inner = answer.values() if isinstance(answer, dict) else answer
    if depth and isinstance(answer, (dict, list)):
        for one in inner:
            yield from _objects(one, depth - 1)
