"""Passwords in what a mediator is configured with: masks stand for them, wherever it is read. Pure.

A mask carries a reference of its own, so that an item which is moved or removed takes its own
password along, and one that comes back unchanged from a form still means the same.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.errors import Invalid
from common.texts import _

Definitions = Sequence[Mapping[str, Any]]

_MASK = re.compile(r"\*{8} [0-9a-f]{8}")
#: Members that are secrets by their names, whatever the definitions say.
_SECRET_NAME = re.compile(
    r"(?i).*(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|private[_-]?key|password(?:hash|salt)|tokenid)"
)
#: `scheme://user:password@host`
_WITH_CREDENTIALS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@")


@dataclass(frozen=True)
class Hidden:
    """A document with masks, and what they stand for."""

    document: Any
    secrets: dict[str, str] = field(repr=False)


def is_mask(value: object) -> bool:
    """Whether `value` stands for a password."""
    return isinstance(value, str) and _MASK.fullmatch(value) is not None


def is_secret(definition: Mapping[str, Any], name: str) -> bool:
    """Whether a parameter is a password, by its definition or by its name."""
    return definition.get("type") == "password" or _SECRET_NAME.fullmatch(name) is not None


def hide(document: Any, definitions: Definitions, known: Mapping[str, str]) -> Hidden:
    """`document` with a mask for each password; a mask of `known` stays as it is.

    `definitions` are OpenHIM's `configDefs`. Raises Invalid for a mask that stands for nothing.
    """
    kept: dict[str, str] = {}
    return Hidden(_hidden(document, {"template": list(definitions)}, "", known, kept), kept)


def reveal(document: Any, known: Mapping[str, str]) -> Any:
    """`document` with the passwords in the place of their masks; empty where one is lost."""
    if isinstance(document, dict):
        return {name: reveal(value, known) for name, value in document.items()}
    if isinstance(document, list):
        return [reveal(value, known) for value in document]
    return known.get(document, "") if is_mask(document) else document


def with_masks_kept(given: Any, here: Any) -> Any:
    """`given`, where what is blank in the place of a password here stays as it is here."""
    if isinstance(given, dict) and isinstance(here, dict):
        return {name: with_masks_kept(value, here.get(name)) for name, value in given.items()}
    if isinstance(given, list) and isinstance(here, list) and len(given) == len(here):
        return [with_masks_kept(*pair) for pair in zip(given, here, strict=True)]
    return here if given in ("", None) and is_mask(here) else given


def without_secrets(document: Any) -> Any:
    """`document` without the members that are secrets by their names."""
    if isinstance(document, dict):
        return {
            name: without_secrets(value)
            for name, value in document.items()
            if not _SECRET_NAME.fullmatch(str(name))
        }
    if isinstance(document, list):
        return [without_secrets(value) for value in document]
    return document


def with_new_members(here: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What stands here, and of `given` the members that are new: a registration undoes nothing."""
    merged = dict(here)
    for name, value in given.items():
        if name not in merged:
            merged[name] = value
        elif isinstance(merged[name], dict) and isinstance(value, dict):
            merged[name] = with_new_members(merged[name], value)
    return merged


def _parameters(definition: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    template = definition.get("template")
    listed = template if isinstance(template, list) else []
    return {str(one.get("param")): one for one in listed if isinstance(one, dict)}


def _hidden(
    value: Any,
    definition: Mapping[str, Any],
    name: str,
    known: Mapping[str, str],
    kept: dict[str, str],
) -> Any:
    if isinstance(value, dict):
        parameters = _parameters(definition)
        return {
            key: _hidden(inner, parameters.get(key, {}), key, known, kept)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_hidden(inner, definition, name, known, kept) for inner in value]
    if is_mask(value):
        if value not in known:
            raise Invalid(
                _("%(name)s: the mask stands for no password that is kept", name=name),
                {"config": [_("%(name)s: type the password anew", name=name)]},
            )
        kept[value] = known[value]
        return value
    if not _is_password(value, definition, name):
        return value
    mask = f"{'*' * 8} {secrets.token_hex(4)}"
    kept[mask] = str(value)
    return mask


def _is_password(value: object, definition: Mapping[str, Any], name: str) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return definition.get("type") == "password"
    if not isinstance(value, str) or not value:
        return False
    return is_secret(definition, name) or _WITH_CREDENTIALS.match(value) is not None
