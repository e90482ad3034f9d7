"""A language in which each text of the catalogues stands in brackets: what stands outside of them
on a page is data, or a text that nobody can translate.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from babel.support import NullTranslations
from common import texts
from flask import Flask

#: The language that is replaced.
CODE = "sw"
_BRACKETED = re.compile(r"⟦[^⟦⟧]*⟧")
_WORD = re.compile(r"[^\W\d_][\w-]{2,}")
#: Codes in capital letters, and digests.
_CODE = re.compile(r"^[A-Z_]+$|\d")
#: Names and formats, the same in every language.
_NAMES = frozenset({"English", "Français", "Kiswahili", "Kiungo", "CSV", "PDF", "UTC"})


class Bracketed(NullTranslations):
    """Each text in brackets that `translated`, which it stands for, has a translation of."""

    def __init__(self, translated: NullTranslations) -> None:
        super().__init__()
        self._known = {
            one if isinstance(one, str) else one[0] for one in getattr(translated, "_catalog", ())
        }

    def gettext(self, message: str) -> str:
        """`⟦message⟧`."""
        return f"⟦{message}⟧" if message in self._known else message

    def ngettext(self, singular: str, plural: str, num: int) -> str:
        """The same, of the form for `num`."""
        text = singular if num == 1 else plural
        return f"⟦{text}⟧" if singular in self._known else text


def speak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the language `CODE` be the bracketed one."""
    kept = texts._catalogue
    monkeypatch.setattr(
        texts, "_catalogue", lambda code: Bracketed(kept(code)) if code == CODE else kept(code)
    )


class _Page(HTMLParser):
    """What people read of a page: text besides code, names and choices that are data."""

    NAMED = frozenset({"title", "placeholder", "aria-label", "alt", "data-confirm"})
    CODE = frozenset({"script", "style", "code", "pre", "textarea", "time"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._within = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within += tag in self.CODE
        self.found += [value or "" for name, value in attrs if name in self.NAMED]

    def handle_endtag(self, tag: str) -> None:
        self._within -= tag in self.CODE

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.found.append(data)


def unbracketed(page: str) -> set[str]:
    """The words of the HTML `page` outside of all brackets."""
    read = _Page()
    read.feed(page)
    text = " ".join(read.found)  # a text with a link in it is several pieces
    while _BRACKETED.search(text):
        text = _BRACKETED.sub(" ", text)
    return {one for one in set(_WORD.findall(text)) - _NAMES if not _CODE.search(one)}


def plain_pages(app: Flask) -> Iterator[str]:
    """The paths of the console's pages that need nothing to be named."""
    for rule in app.url_map.iter_rules():
        is_page = rule.endpoint.startswith("console.") and "GET" in (rule.methods or ())
        if is_page and not rule.arguments and rule.rule.endswith("/"):
            yield rule.rule


def untranslated(app: Flask, browser: Any) -> dict[str, set[str]]:
    """By path, the words of pages that `browser`, who is signed in, cannot read in `CODE`."""
    found: dict[str, set[str]] = {}
    for path in plain_pages(app):
        answer = browser.get(path, headers={"Accept-Language": CODE})
        if answer.status_code == 200 and answer.mimetype == "text/html":
            found[path] = unbracketed(answer.text)
    return found
