"""Texts that people read, in the language of who reads them. Message ids are the English texts.

    raise NotFound(_("No such channel"))    # translated where it is made
    ngettext("%(count)s call", "%(count)s calls", count)
    Entry(N_("Channels"), …)                     # declared at import, shown by _(label)

Templates have the same `_` and `ngettext`. `make texts` collects what stands in these and in
`N_(…)` into the catalogues `locales/<language>/LC_MESSAGES/messages.po` of each package; English
needs none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from babel import negotiate_locale
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from flask import g, has_request_context, request
from markupsafe import escape
from werkzeug.datastructures import LanguageAccept

#: Codes of ISO 639-1, each with its own name.
LANGUAGES: Mapping[str, str] = MappingProxyType(
    {"en": "English", "sw": "Kiswahili", "fr": "Français"}
)
DEFAULT = "en"
#: What a browser remembers of its reader's choice, for all services of the installation.
COOKIE = "kiungo_language"

_spoken: ContextVar[str | None] = ContextVar("language", default=None)
#: Packages whose catalogues are read, in the order in which they are asked.
_packages: dict[str, None] = {"common": None}


def add_catalogues(package: str) -> None:
    """Ask the catalogues of `package`, too: a service's at its start."""
    if package not in _packages:
        _packages[package] = None
        _catalogue.cache_clear()


def language() -> str:
    """The reader's: as `speaking` says, else as the request does by cookie or `Accept-Language`."""
    spoken = _spoken.get()
    if spoken is not None or not has_request_context():
        return spoken or DEFAULT
    if "language" not in g:
        chosen = request.cookies.get(COOKIE, "")
        g.language = chosen if chosen in LANGUAGES else accepted(request.accept_languages)
    found: str = g.language
    return found


def accepted(languages: LanguageAccept) -> str:
    """The best of ours for werkzeug's `LanguageAccept`, else English; `en-GB` is English, too."""
    wanted = [code for code, quality in languages if quality]
    return negotiate_locale(wanted, LANGUAGES, sep="-") or DEFAULT


@contextmanager
def speaking(code: str | None) -> Iterator[None]:
    """Texts within are in the language `code`; None or unknown: English."""
    token = _spoken.set(code if code in LANGUAGES else DEFAULT)
    try:
        yield
    finally:
        _spoken.reset(token)


def gettext(message: str, **values: Any) -> str:
    """`message` in the reader's language, its `%(name)s` filled with `values`.

    Where a value is markup, so is the result, and everything else in it is escaped.
    """
    return filled(catalogue(language()).gettext(message) if message else "", values)


def ngettext(one: str, many: str, count: int, **values: Any) -> str:
    """The form for `count`, which fills `%(count)s`, too, unless a value does."""
    text = catalogue(language()).ngettext(one, many, count)
    return filled(text, {"count": number(count), **values})


def number(value: int) -> str:
    """`1,234,567`, as the reader's language has it."""
    return f"{value:,}" if language() == DEFAULT else format_decimal(value, locale=language())


def filled(text: str, values: Mapping[str, Any]) -> str:
    """`text % values`, as markup if one of `values` is."""
    if not values:
        return text
    if any(hasattr(value, "__html__") for value in values.values()):
        return escape(text) % values
    return text % values


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it
    """`message` itself: a text declared at import, which `_` translates when it is shown."""
    return message


class Patterns:
    """Texts that were filled in English before anybody read them: by a library, or as stored.

    `messages` are message ids; in the text each `%(name)s` of them stands for at least a character.
    Several texts in one are parted by `; `. `nested`: a value may be such a text, too, and no code.
    """

    def __init__(self, messages: Iterable[str], *, nested: bool = False) -> None:
        self._nested = nested
        self._found = {message: _pattern(message) for message in messages if "%(" in message}

    def gettext(self, text: str) -> str:
        """`text` in the reader's language, as far as the catalogues or these patterns know it."""
        if language() == DEFAULT:
            return text
        return self._one(text) or "; ".join(self._one(part) or part for part in text.split("; "))

    def _one(self, text: str) -> str | None:
        whole = gettext(text)
        if whole != text:
            return whole
        for message, pattern in self._found.items():
            match = pattern.fullmatch(text)
            if match:
                values = match.groupdict()
                if self._nested:
                    values = {name: self.gettext(value) for name, value in values.items()}
                return gettext(message, **values)
        return None


def _pattern(message: str) -> re.Pattern[str]:
    parts = re.split(r"%\((\w+)\)s", message)
    parts[::2] = [re.escape(literal.replace("%%", "%")) for literal in parts[::2]]
    parts[1::2] = [f"(?P<{name}>.+)" for name in parts[1::2]]
    return re.compile("".join(parts), re.DOTALL)


def catalogue(code: str) -> NullTranslations:
    """All texts of the language `code`."""
    return _catalogue(code)


@cache
def _catalogue(code: str) -> NullTranslations:
    found: NullTranslations = NullTranslations()
    for package in _packages:
        folder = str(files(package) / "locales")
        one = Translations.load(folder, [code])
        if isinstance(one, Translations):
            found = one if not isinstance(found, Translations) else found.merge(one)
    return found


_ = gettext
