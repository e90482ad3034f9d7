"""The search box of every page: each service says what it has of a term, as a part of one page.

    add_find(pages, lambda term: …)              # hits of its own records
    add_timeline(pages, lambda correlation_id: …)  # what it did for that id

The box leads to the proxy's page, which lets the browser ask all services at once, each with the
session of who asks. A term may name a person: it is in forms only, never in an address or a log.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import marshmallow as ma
from flask import render_template, request
from flask.typing import ResponseReturnValue

from common.console.forms import read_form
from common.console.pages import Pages
from common.console.staff import StaffRole
from common.correlation import acceptable_id
from common.errors import Invalid
from common.texts import _
from common.web.fields import Line

MIN_TERM_CHARS, MAX_TERM_CHARS = 2, 200
#: So many records of a kind are shown.
MOST_HITS = 5
#: The proxy's page, and the parts of the services below their pages.
FIND, TIMELINE = "/find/", "/timeline"
_HEX = re.compile(r"[0-9a-f]+")
_UUID_DIGITS = 32


@dataclass(frozen=True)
class Term:
    """What somebody looks for, without blanks around it."""

    text: str = field(repr=False)

    @property
    def id(self) -> uuid.UUID | None:
        """The id that it is."""
        digits = self.text.replace("-", "").lower()
        is_id = len(digits) == _UUID_DIGITS and _HEX.fullmatch(digits)
        return uuid.UUID(digits) if is_id else None


@dataclass(frozen=True)
class Hit:
    """A record that was found: of what kind, how it is called, where its page is."""

    kind: str
    name: str
    path: str
    note: str = ""
    at: datetime | None = None
    #: Further pages about it: labels with addresses.
    more: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Happened:
    """Something that happened for a correlation id; `mark` is a badge's kind, `path` its page."""

    at: datetime
    what: str
    path: str = ""
    outcome: str = ""
    mark: str = ""
    duration_ms: float | None = None


class TermForm(ma.Schema):
    """The box."""

    term = Line(required=True, max_length=MAX_TERM_CHARS)


def read_term() -> Term:
    """What was typed into the box. Raises Invalid."""
    form = read_form(TermForm())
    text = form.values.get("term", "").strip()
    if form.errors or len(text) < MIN_TERM_CHARS:
        raise Invalid(_("Type what you look for, 2 to 200 characters"), dict(form.errors))
    return Term(text)


def add_find(pages: Pages, find: Callable[[Term], Iterable[Hit]]) -> None:
    """Add the part of the proxy's page that says what this service has."""

    def find_here() -> ResponseReturnValue:
        """The records that a term names; a part of a page for the page, a page for a person."""
        return _part("console/hits.html", "console/found.html", hits=list(find(read_term())))

    pages.act(FIND, StaffRole.VIEWER)(find_here)


def add_timeline(pages: Pages, happened: Callable[[str], Iterable[Happened]]) -> None:
    """Add the part of the proxy's timeline that this service knows."""

    def timeline_here(correlation_id: str) -> ResponseReturnValue:
        """What this service did for a correlation id."""
        known = happened(checked_id(correlation_id))
        return _part("console/happened.html", "console/happened_page.html", known=in_order(known))

    pages.page(f"{TIMELINE}/<correlation_id>/")(timeline_here)


def checked_id(text: str) -> str:
    """A correlation id as our services take one. Raises Invalid."""
    known = acceptable_id(text)
    if known is None:
        raise Invalid(
            _("A correlation id has 8 to 64 letters, digits, dots, dashes and underscores")
        )
    return known


def in_order(known: Iterable[Happened]) -> list[Happened]:
    """The oldest first."""
    return sorted(known, key=lambda one: one.at)


def _part(part: str, page: str, **context: object) -> str:
    return render_template(part if "HX-Request" in request.headers else page, **context)
