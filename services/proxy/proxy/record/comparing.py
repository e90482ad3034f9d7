"""Two hubs' answers to the same call: where they differ, never with what. Pure."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from common.http.replies import Fields

from proxy.models import Difference
from proxy.record.bodies import DecodedTooLarge, NotDecoded, UnknownCoding, decoded_body

#: Larger bodies, as they came or unpacked, are not compared.
MAX_COMPARED_BYTES = 1024 * 1024
MOST_MEMBERS = 50
#: Names of members are data of theirs: longer pointers are cut.
MAX_POINTER_CHARS = 200
_DIGEST_CHARS = 12
TOO_LARGE = "the body is too large to be compared, or still under way when the answer left"


@dataclass(frozen=True, slots=True)
class HubAnswer:
    """What a hub answered; `body` is None where it is not there to be compared."""

    status: int
    headers: Fields = field(repr=False)
    body: bytes | None = field(repr=False)

    @property
    def media_type(self) -> str:
        """The media type without its parameters, in lower case."""
        return self._header("content-type").partition(";")[0].strip().lower()

    def decoded(self) -> bytes | None:
        """The body without its codings; None where it cannot be compared."""
        if self.body is None or len(self.body) > MAX_COMPARED_BYTES:
            return None
        try:
            return decoded_body(self.body, self._header("content-encoding"), MAX_COMPARED_BYTES)
        except DecodedTooLarge:
            return None
        except (NotDecoded, UnknownCoding):
            return self.body

    def _header(self, wanted: str) -> str:
        return next((value for name, value in self.headers if name.lower() == wanted), "")


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs first, the pointers of JSON members that differ, and a note on bodies."""

    difference: Difference
    members: list[str]
    note: str


def compare(ours: HubAnswer, theirs: HubAnswer) -> Compared | None:
    """Where the answers differ: in status, content type or body; None where they do not."""
    members, note = _bodies(ours, theirs)
    if ours.status != theirs.status:
        return Compared(Difference.STATUS, members, note)
    if ours.media_type != theirs.media_type:
        return Compared(Difference.CONTENT_TYPE, members, note)
    return Compared(Difference.BODY, members, note) if members or note else None


def _bodies(ours: HubAnswer, theirs: HubAnswer) -> tuple[list[str], str]:
    """Pointers of members that differ, or a note; neither where the bodies are the same."""
    own, other = ours.decoded(), theirs.decoded()
    if own is None or other is None:
        return [], "" if ours.body is None else TOO_LARGE
    if own == other:
        return [], ""
    try:
        found = list(_differing("", json.loads(own), json.loads(other)))
    except (ValueError, RecursionError):
        return [], f"{_named(own)} here, {_named(other)} there"
    shown = [pointer[:MAX_POINTER_CHARS] for pointer in found[:MOST_MEMBERS]]
    left_out = len(found) - len(shown)
    return shown, f"{left_out} more members differ" if left_out else ""


def _named(body: bytes) -> str:
    return f"{len(body)} bytes, SHA-256 {hashlib.sha256(body).hexdigest()[:_DIGEST_CHARS]}…"


def _differing(at: str, own: Any, other: Any) -> Iterator[str]:
    """JSON pointers of what is not the same on both sides; `/` alone is the whole body."""
    if isinstance(own, dict) and isinstance(other, dict):
        for name in {**own, **other}:
            pointer = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            if (name in own) != (name in other):
                yield pointer
            else:
                yield from _differing(pointer, own.get(name), other.get(name))
    elif isinstance(own, list) and isinstance(other, list):
        for index in range(max(len(own), len(other))):
            if index >= min(len(own), len(other)):
                yield f"{at}/{index}"
            else:
                yield from _differing(f"{at}/{index}", own[index], other[index])
    elif own != other or isinstance(own, bool) != isinstance(other, bool):
        yield at or "/"
