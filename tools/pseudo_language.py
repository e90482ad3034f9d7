"""A language in which each text of the catalogues stands in brackets: what stands outside of them
on a page is data, or a text that nobody can translate.
"""

import enum
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from babel.support import NullTranslations
from common import texts
from common.db.database import Database
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Session
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

#: The language that is replaced.
CODE = "sw"
_BRACKETED = re.compile(r"⟦[^⟦⟧]*⟧")
_WORD = re.compile(r"[^\W\d_][\w-]{2,}")
#: Codes in capital letters, and digests.
_CODE = re.compile(r"^[A-Z_]+$|\d")
#: How many pages of a kind are read: the records of a list are not all in the same state.
_EACH = 3
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
        self.links: list[str] = []
        self._within = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within += tag in self.CODE
        self.found += [value or "" for name, value in attrs if name in self.NAMED]
        self.links += [
            value or "" for name, value in attrs if (tag, name) == ("a", "href") or name == "hx-get"
        ]

    def handle_endtag(self, tag: str) -> None:
        self._within -= tag in self.CODE

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.found.append(data)


def _read(page: str) -> _Page:
    read = _Page()
    read.feed(page)
    return read


def unbracketed(page: str, data: Iterable[str] = ()) -> set[str]:
    """The words of the HTML `page` outside of all brackets, and of `data`, which stands whole."""
    text = " ".join(_read(page).found)  # a text with a link in it is several pieces
    while _BRACKETED.search(text):
        text = _BRACKETED.sub(" ", text)
    whole = "|".join(map(re.escape, sorted(data, key=len, reverse=True)))
    text = re.sub(rf"(?<!\w)(?:{whole})(?!\w)", " ", text)
    return {one for one in set(_WORD.findall(text)) - _NAMES if not _CODE.search(one)}


def recorded(session: Session, base: type[DeclarativeBase]) -> set[str]:
    """Every text that the records of `base` hold; states and kinds are no data, but our words."""
    found: set[str] = set()
    for mapper in base.registry.mappers:
        for record in session.scalars(select(mapper.class_)):
            for column in mapper.column_attrs:
                found.update(_texts(getattr(record, column.key)))
    return {one for one in found if _WORD.search(one) and not _is_usual(one)}


def _is_usual(text: str) -> bool:
    """Whether a record's text, like `name`, may as well be a word of ours."""
    return bool(_WORD.fullmatch(text)) and text.islower()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from (name, *_texts(one))
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def pages_of(app: Flask) -> set[str]:
    """The rules of the console's pages."""
    return {rule.rule for rule in app.url_map.iter_rules() if _is_page(rule)}


def _is_page(rule: Rule) -> bool:
    is_read = rule.endpoint.startswith("console.") and "GET" in (rule.methods or ())
    return is_read and rule.rule.endswith("/")


def walked(app: Flask, browser: Any, more: Iterable[str] = ()) -> dict[tuple[str, str], str]:
    """By rule and address, the HTML of pages in `CODE` that links lead to, `_EACH` of a kind.

    `browser` is signed in; pages with the same parameters are of a kind. Addresses in `more` are
    such as only other services, or scripts, lead to.
    """
    waiting = deque([*(one for one in sorted(pages_of(app)) if "<" not in one), *more])
    read: dict[tuple[str, str], str] = {}
    kinds: Counter[tuple[str, ...]] = Counter()
    while waiting:
        address = waiting.popleft()
        rule = _rule_of(app, address)
        kind = (rule, *sorted(parse_qs(urlsplit(address).query)))
        if not rule or kinds[kind] == _EACH or (rule, address) in read:
            continue
        with closing(browser.get(address, headers={"Accept-Language": CODE})) as answer:
            if answer.status_code != 200 or answer.mimetype != "text/html":
                continue
            kinds[kind] += 1
            read[rule, address] = answer.text
            if len(kind) == 1:  # what filters lead to, leads to itself
                waiting += _links(address, answer.text)
    return read


def _links(address: str, page: str) -> list[str]:
    links = (urljoin(address, one).partition("#")[0] for one in _read(page).links)
    return [one for one in links if one.startswith("/")]


def _rule_of(app: Flask, address: str) -> str:
    """The rule of a page of the console; empty: there is none."""
    try:
        rule, _ = app.url_map.bind("").match(urlsplit(address).path, return_rule=True)
    except HTTPException:
        return ""
    return rule.rule if _is_page(rule) else ""


def demonstrate(app: Flask) -> None:
    """Let the records of the demonstration be there."""
    with app.app_context():
        done = app.test_cli_runner().invoke(args=["seed-demo"], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def found_by(browser: Any, path: str, term: str, csrf: Mapping[str, str]) -> str:
    """The page in `CODE` that says what the search box's `term` names."""
    given = {**csrf, "term": term}
    answer = browser.post(path, data=given, headers={"Accept-Language": CODE})
    assert answer.status_code == 200, answer.text
    page: str = answer.text
    return page


def untranslated(pages: Mapping[tuple[str, str], str], data: Iterable[str]) -> dict[str, set[str]]:
    """By address, the words of `pages` that nobody can translate, and that are no `data`.

    The audit log is data: acts and members of records are called as programs call them.
    """
    words = {at: unbracketed(page, data) for (_, at), page in pages.items()}
    return {at: found for at, found in words.items() if found and not at.endswith("/audit/")}


def check_every_page(
    app: Flask,
    browser: Any,
    records: tuple[Database, type[DeclarativeBase]],
    *,
    data: Iterable[str],
    more: Iterable[str] = (),
    beside: Iterable[str] = (),
    found: str = "",
) -> None:
    """Everything on every page can be translated, or is `data`: of records, or named so.

    `more` are addresses to which no link of a page leads, `beside` the rules of what is no page for
    people, or not ours; `found` is the page of the search box.
    """
    pages = walked(app, browser, more)
    unread = pages_of(app) - {rule for rule, _ in pages}
    assert unread == set(beside), unread ^ set(beside)
    pages["", "what the search box found"] = found
    database, base = records
    with database.reading() as session:
        known = recorded(session, base).union(data)
    left = untranslated(pages, known)
    assert left == {}, left
