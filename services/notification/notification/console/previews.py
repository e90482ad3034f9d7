"""Words in all languages side by side, filled with one context. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from notification.emit.preview import Preview, preview
from notification.emit.render import names
from notification.mails.frame import Frame
from notification.models import ChannelCode, Template


@dataclass(frozen=True)
class Shown:
    """How the words of a template look; without a version they are still being written."""

    language: str
    version: int | None
    words: Preview


def side_by_side(
    typed: Template,
    newest: Mapping[tuple[ChannelCode, str], Template],
    context: Mapping[str, Any],
    prices: Mapping[str, int],
    frame: Frame,
) -> list[Shown]:
    """The words as typed, then those that are in use on the same channel in other languages."""
    others = [
        template
        for (channel, language), template in sorted(newest.items())
        if channel is typed.channel and language != typed.language
    ]
    return [
        Shown(template.language, template.version, preview(template, context, prices, frame))
        for template in (typed, *others)
    ]


def sample_context(templates: Iterable[Template]) -> dict[str, Any]:
    """A context with every placeholder of these words; each value is the placeholder's name."""
    context: dict[str, Any] = {}
    for template in templates:
        for name in names(template.subject + template.body):
            _put(context, name.split("."))
    return context


def _put(context: dict[str, Any], path: list[str]) -> None:
    """A name that is a value in one text and an object in another stays what it was first."""
    *objects, last = path
    place: Any = context
    for part in objects:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            return
    place.setdefault(last, last)
