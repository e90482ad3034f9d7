"""Files that go with an event's e-mails: which are taken, and how they are called. Pure."""

import hashlib
import mimetypes
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from common.errors import Invalid

MAX_ATTACHMENTS = 10
MAX_NAME_CHARS = 100
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
USUAL_TYPES = ("application/pdf", "image/jpeg", "image/png", "text/calendar", "text/csv")
USUAL_MAX_BYTES = 5_000_000
#: Characters that programs read as something else than a part of a name.
_SPECIAL = re.compile(r'["*:<>?|]')
#: The library's own table: the system's files differ from machine to machine.
_TYPES = mimetypes.MimeTypes()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file: `name` as `file_name` makes it, `media_type` in lower case, without parameters."""

    name: str
    media_type: str
    content: bytes = field(repr=False)

    @property
    def fingerprint(self) -> list[str]:
        """What it is, in short."""
        return [self.name, self.media_type, hashlib.sha256(self.content).hexdigest()]


@dataclass(frozen=True, slots=True)
class Limits:
    """What an installation lets through; `max_bytes` counts for all of an event's files."""

    media_types: Sequence[str] = USUAL_TYPES
    max_bytes: int = USUAL_MAX_BYTES

    def check(self, files: Sequence[Attachment]) -> None:
        """Raises Invalid, which names the member and why."""
        for one in files:
            if one.media_type not in self.media_types:
                _refuse(f"{one.media_type} is none of {', '.join(self.media_types)}.")
        total = sum(len(one.content) for one in files)
        if total > self.max_bytes:
            _refuse(f"Together {total:,} bytes; at most {self.max_bytes:,} are sent.")


def _refuse(reason: str) -> None:
    raise Invalid(f"attachments: {reason}", {"attachments": [reason]})


def file_name(text: str, media_type: str) -> str:
    """How a file is called: no path, no hidden signs, and an ending that its type has.

    Raises ValueError: nothing is left.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", text))[-1]
    seen = "".join(one for one in last if unicodedata.category(one)[0] not in "CZ" or one == " ")
    stem = " ".join(_SPECIAL.sub("_", seen).split()).strip(". ")
    if not stem:
        raise ValueError("The name has nothing that a file can be called.")
    endings = _TYPES.guess_all_extensions(media_type)
    stem, dot, ending = stem.rpartition(".") if "." in stem else (stem, "", "")
    if endings and f".{ending.lower()}" not in endings:
        usual = _TYPES.guess_extension(media_type) or endings[0]
        stem, dot, ending = f"{stem}{dot}{ending}", ".", usual[1:]
    return f"{stem[: MAX_NAME_CHARS - len(dot + ending)]}{dot}{ending[:MAX_NAME_CHARS]}"


def media_types(text: str) -> tuple[str, ...]:
    """Comma-separated media types. Raises ValueError."""
    found = tuple(one.strip().lower() for one in text.split(",") if one.strip())
    if not all(map(MEDIA_TYPE.fullmatch, found)):
        raise ValueError("expected media types with commas, such as application/pdf,image/png")
    return found
