"""A form made from a mediator's definitions of its configuration (OpenHIM's `configDefs`). Pure.

Fields are named by their place: `config.fhirServer.baseURL`, `config.endpoints.0.name`. A password
is never shown: blank means that it stays.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from common.console.forms import Form
from common.texts import _
from common.web.fields import check_storable
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from proxy.models import Mediator
from proxy.registry.mediator_config import is_secret

ROOT = "config"
MAX_CHARS = 65_536
_TEXTS = {"string", "bigstring", "password", "number", "option", "bool"}


@dataclass(frozen=True)
class Entry:
    """One field; `kind` is a type of the definitions, or `lines` or `json`."""

    name: str
    kind: str
    label: str
    hint: str
    options: Sequence[str] = ()

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The options, each with its label."""
        return [(one, one) for one in self.options]


@dataclass(frozen=True)
class Section:
    """Fields that belong together."""

    title: str
    hint: str
    entries: Sequence["Entry | Section"]


#: A parameter that was left blank and had no value before.
_NOTHING = object()


def entries(definitions: Sequence[Mapping[str, Any]], config: Any, at: str = ROOT) -> list[Any]:
    """What the form shows, in the order of the definitions."""
    here = config if isinstance(config, dict) else {}
    return [_shown(one, here.get(_param(one)), f"{at}.{_param(one)}") for one in definitions]


def given_of(mediator: Mediator) -> Form:
    """The form as it shows what is stored; passwords are blank."""
    definitions, config = mediator.config_defs, mediator.config
    given: dict[str, Any] = {}
    for entry in _flat(entries(definitions, config)):
        value = _at(config, entry.name)
        if value is not None and entry.kind != "password":
            given[entry.name] = _text_of(entry.kind, value)
    return Form.of(given, mediator.revision)


def read(
    definitions: Sequence[Mapping[str, Any]],
    config: Mapping[str, Any],
    sent: MultiDict[str, str],
) -> tuple[dict[str, Any], Form]:
    """The configuration that was typed, and the form with what is wrong of it by field.

    What no definition names stays as it is.
    """
    reading = _Reading(sent)
    typed = _struct(reading, definitions, config, ROOT)
    given = {
        entry.name: sent.getlist(entry.name)
        for entry in _flat(entries(definitions, config))
        if entry.kind != "password" and entry.name in sent
    }
    return typed, Form(given, {}, reading.errors)


@dataclass
class _Reading:
    sent: MultiDict[str, str]
    errors: dict[str, list[str]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.sent.get(name, "").replace("\r\n", "\n").strip()

    def wrong(self, name: str, why: str) -> None:
        self.errors[name] = [why]


def _param(definition: Mapping[str, Any]) -> str:
    return str(definition.get("param", ""))


def _template(definition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = definition.get("template")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _kind(definition: Mapping[str, Any]) -> str:
    """The type; `lines` for several texts, `json` for what has no field of its own."""
    if is_secret(definition, _param(definition)) and definition.get("type") != "struct":
        return "password"
    kind = str(definition.get("type", ""))
    if kind == "struct":
        return "structs" if definition.get("array") else "struct"
    if definition.get("array"):
        return "lines" if kind in {"string", "bigstring", "option"} else "json"
    return kind if kind in _TEXTS else "json"


def _shown(definition: Mapping[str, Any], value: Any, name: str) -> Entry | Section:
    label = str(definition.get("displayName") or _param(definition))
    hint = str(definition.get("description") or "")
    kind = _kind(definition)
    if kind == "struct":
        return Section(label, hint, entries(_template(definition), value, name))
    if kind == "structs":
        items = [*_listed(value), {}]
        how = _("An item is removed by leaving its fields blank.")
        return Section(
            label,
            f"{hint} {how}".strip(),
            [
                Section(
                    f"{label} {number + 1}" if number < len(items) - 1 else _("One more"),
                    "",
                    entries(_template(definition), item, f"{name}.{number}"),
                )
                for number, item in enumerate(items)
            ],
        )
    options = definition.get("values")
    listed = [str(one) for one in options] if isinstance(options, list) else []
    return Entry(name, kind, label, hint, listed)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _flat(shown: Sequence[Any]) -> list[Entry]:
    found: list[Entry] = []
    for one in shown:
        found += _flat(one.entries) if isinstance(one, Section) else [one]
    return found


def _at(config: Any, name: str) -> Any:
    """The value in the place that a field is named by."""
    for part in name.split(".")[1:]:
        if isinstance(config, dict):
            config = config.get(part)
        elif isinstance(config, list) and part.isdecimal() and int(part) < len(config):
            config = config[int(part)]
        else:
            return None
    return config


def _text_of(kind: str, value: Any) -> Any:
    if kind == "json":
        return json.dumps(value, indent=2, ensure_ascii=False)
    if kind == "lines":
        return "\n".join(str(one) for one in _listed(value))
    return value


def _struct(
    reading: _Reading, definitions: Sequence[Mapping[str, Any]], here: Any, name: str
) -> dict[str, Any]:
    known = dict(here) if isinstance(here, dict) else {}
    for one in definitions:
        value = _value(reading, one, known.get(_param(one)), f"{name}.{_param(one)}")
        if value is _NOTHING:
            known.pop(_param(one), None)
        else:
            known[_param(one)] = value
    return known


def _structs(reading: _Reading, definition: Mapping[str, Any], here: Any, name: str) -> Any:
    found = []
    template = _template(definition)
    for number, item in enumerate([*_listed(here), {}]):
        at = f"{name}.{number}"
        texts = [one for one in _flat(entries(template, item, at)) if one.kind != "bool"]
        if any(reading.text(one.name) for one in texts):
            found.append(_struct(reading, template, item, at))
    return found or (_NOTHING if here is None else [])


def _value(reading: _Reading, definition: Mapping[str, Any], here: Any, name: str) -> Any:
    kind = _kind(definition)
    if kind == "struct":
        found = _struct(reading, _template(definition), here, name)
        return found if found or here is not None else _NOTHING
    if kind == "structs":
        return _structs(reading, definition, here, name)
    if kind == "bool":
        return reading.text(name) == "true"
    text = reading.text(name)
    if len(text) > MAX_CHARS:
        reading.wrong(name, _("Must not be longer than %(high)s characters.", high=MAX_CHARS))
        return _NOTHING
    if not text:
        return _blank(kind, here)
    return _typed(reading, kind, definition, text, name)


def _blank(kind: str, here: Any) -> Any:
    """Of a field that was left blank: a password stays, a text is empty, all else is not there."""
    if here is None:
        return _NOTHING
    if kind == "password":
        return here
    return "" if kind in {"string", "bigstring"} else _NOTHING


def _typed(
    reading: _Reading, kind: str, definition: Mapping[str, Any], text: str, name: str
) -> Any:
    try:
        check_storable(text)
        if kind == "number":
            return _number(text)
        if kind == "json":
            found = json.loads(text)
            check_storable(found)
            return found
        if kind == "lines":
            return [line.strip() for line in text.splitlines() if line.strip()]
        if kind == "option" and text not in [str(one) for one in definition.get("values") or []]:
            reading.wrong(name, _("Choose one of the list."))
        return text
    except ValidationError as exc:
        reading.wrong(name, str(exc.messages[0]) if isinstance(exc.messages, list) else str(exc))
    except (ValueError, RecursionError):
        said = _("Must be a number.") if kind == "number" else _("This is not JSON.")
        reading.wrong(name, said)
    return _NOTHING


def _number(text: str) -> int | float:
    found = float(text)
    if not isfinite(found):
        raise ValueError
    return int(text) if text.lstrip("-").isdecimal() else found
