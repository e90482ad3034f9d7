"""The spellings of one XML element that GovESB's connectors sign."""

from collections.abc import Callable, Iterator

from esb_relay.wire.xml_span import Element
from esb_relay.wire.xml_text import ascii_decimal, ascii_hexadecimal, escaped


def minified(element: Element) -> str:
    """The element without white space among elements and in tags; text and `<a/>` as written."""
    return _spelled(element, _leaf_as_written)


def canonical(element: Element) -> str:
    """The element as Java's writers spell the same: their escapes, `<a></a>` for an empty one."""
    return _spelled(element, _canonical_leaf)


def ascii_spellings(element: Element) -> Iterator[str]:
    """The pure-ASCII spellings in use: Python's decimal references, Java's hexadecimal ones."""
    spelled = canonical(element)
    yield ascii_decimal(spelled)
    yield ascii_hexadecimal(spelled)


def wrapped(name: str, content: str) -> str:
    """An element around content that is XML already."""
    return f"<{name}>{content}</{name}>"


def _spelled(element: Element, leaf: Callable[[Element], str]) -> str:
    if not element.children:
        return leaf(element)
    return wrapped(element.name, "".join([_spelled(child, leaf) for child in element.children]))


def _leaf_as_written(element: Element) -> str:
    if element.self_closing:
        return f"<{element.name}/>"
    return wrapped(element.name, element.inner)


def _canonical_leaf(element: Element) -> str:
    return wrapped(element.name, escaped(element.text))
