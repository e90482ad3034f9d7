"""Calls are found by values in their bodies that their channels name, like a patient's id.

A row has a keyed digest of a value, which finds it without saying it, and the value sealed, so that
`reseal` can digest it under a new key. Equal values have equal digests, whatever the field is
called; blanks around them and letter case do not count. Where there are no key files nothing is
indexed: a digest under a key that goes with a signing key would be lost.
"""

import base64
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

from common.errors import Invalid
from common.resealing import Values as ColumnValues
from sqlalchemy import select
from sqlalchemy.orm import Session

from proxy.models import TransactionField
from proxy.record.bodies import DecodedTooLarge, NotDecoded, UnknownCoding, decoded_body
from proxy.record.masks import MASK
from proxy.record.rows import Row
from proxy.record.sealing import Sealer
from proxy.registry.body_paths import Values, values_at

#: Of longer bodies, as they came or unpacked, nothing is indexed.
MAX_BYTES = 1024 * 1024
#: Of a call, so many values are: a batch about more people is no call about one of them.
MOST_VALUES = 200
#: A longer text is no value that anybody looks for.
MAX_VALUE_CHARS = 255
PURPOSE = b"indexed field "
_TERM = b"term in an address "
#: What a value begins with that is sealed for an address.
TERM_MARK = "sealed."


@dataclass(frozen=True, slots=True)
class IndexedField:
    """A field that a channel names: what it is called, a kind of body, where it stands there."""

    name: str
    kind: str
    expression: str

    @property
    def values(self) -> Values:
        """What finds its values in a body. Raises ValueError."""
        return _values_at(self.kind, self.expression)


_values_at = lru_cache(maxsize=1000)(values_at)


@dataclass(frozen=True, slots=True)
class SentBody:
    """A body as it came, all of it, and its `Content-Encoding`."""

    data: bytes = field(repr=False)
    encoding: str = ""

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]], data: bytes) -> "SentBody":
        """A body with what its headers say of it."""
        codings = (value for name, value in pairs if name.lower() == "content-encoding")
        return cls(data, ", ".join(codings))

    @property
    def size_bytes(self) -> int:
        """How much there may be to look through; how much is packed in nobody knows."""
        return MAX_BYTES if self.encoding else len(self.data)


def fields_of(stored: Iterable[Mapping[str, str]]) -> tuple[IndexedField, ...]:
    """The fields of a channel. Raises Invalid."""
    try:
        fields = tuple(IndexedField(one["name"], one["kind"], one["expression"]) for one in stored)
        for one in fields:
            _ = one.values
    except ValueError as exc:
        reason = str(exc)
        raise Invalid(f"indexed_fields: {reason}", {"indexed_fields": [reason]}) from exc
    return fields


def field_rows(
    sealer: Sealer,
    correlation_id: uuid.UUID,
    fields: Sequence[IndexedField],
    bodies: Iterable[SentBody],
    first_part: int = 0,
) -> list[Row]:
    """Rows of the values that stand in bodies, each once for a field; none without key files."""
    if not sealer.core.has_keys:
        return []
    return value_rows(sealer, correlation_id, values_of(fields, bodies), first_part)


def values_of(fields: Sequence[IndexedField], bodies: Iterable[SentBody]) -> list[tuple[str, str]]:
    """Names of fields with values that stand in bodies, each once, MOST_VALUES at most."""
    return list(islice(dict.fromkeys(_found(fields, bodies)), MOST_VALUES))


def value_rows(
    sealer: Sealer,
    correlation_id: uuid.UUID,
    found: Iterable[tuple[str, str]],
    first_part: int = 0,
) -> list[Row]:
    """Rows of what `values_of` found."""
    return [
        _row(sealer, correlation_id, part, name, value)
        for part, (name, value) in enumerate(found, first_part)
    ]


def _found(fields: Sequence[IndexedField], bodies: Iterable[SentBody]) -> Iterator[tuple[str, str]]:
    for body in bodies:
        data = _unpacked(body)
        for one in fields if data else ():
            for value in one.values(data):
                if 0 < len(value.strip()) <= MAX_VALUE_CHARS and value != MASK:
                    yield one.name, value.strip()


def _unpacked(body: SentBody) -> bytes:
    if len(body.data) > MAX_BYTES:
        return b""
    try:
        return decoded_body(body.data, body.encoding, MAX_BYTES)
    except (UnknownCoding, NotDecoded, DecodedTooLarge):
        return b""


def _row(sealer: Sealer, correlation_id: uuid.UUID, part: int, name: str, value: str) -> Row:
    bound = correlation_id.bytes + part.to_bytes(4)
    return {
        "correlation_id": correlation_id,
        "part": part,
        "name": name,
        "digest": sealer.core.digest(PURPOSE, _spelled(value)),
        "sealed": sealer.core.seal(PURPOSE, bound, value.encode("utf-8", "surrogatepass")),
    }


def digests_of(sealer: Sealer, value: str) -> list[bytes]:
    """The digests that rows of a value may have: one under each key; none without key files."""
    return sealer.core.digests(PURPOSE, _spelled(value)) if sealer.core.has_keys else []


def _spelled(value: str) -> bytes:
    return value.strip().casefold().encode("utf-8", "surrogatepass")


def term_of(sealer: Sealer, value: str) -> str:
    """A value as it may stand in an address: sealed."""
    sealed = sealer.core.seal(_TERM, b"", value.encode())
    return TERM_MARK + base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def value_of(sealer: Sealer, term: str) -> str | None:
    """The value of such a term, or of one in clear; None where its key is gone."""
    if not term.startswith(TERM_MARK):
        return term
    text = term.removeprefix(TERM_MARK)
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    found = sealer.core.open(_TERM, b"", sealed)
    return None if found is None else found.decode()


def by_field(session: Session, sealer: Sealer, value: str, limit: int) -> Sequence[uuid.UUID]:
    """The calls in whose bodies an indexed field is `value`, the newest first."""
    key = TransactionField.correlation_id
    query = select(key).where(TransactionField.digest.in_(digests_of(sealer, value)))
    return session.scalars(query.order_by(key.desc()).limit(limit)).all()


def digested_anew(sealer: Sealer, row: Any) -> ColumnValues | None:
    """A row's digest and value under the newest key; None where its key is gone."""
    bound = row.correlation_id.bytes + row.part.to_bytes(4)
    value = sealer.core.open(PURPOSE, bound, row.stored)
    if value is None:
        return None
    text = value.decode("utf-8", "surrogatepass")
    anew = _row(sealer, row.correlation_id, row.part, "", text)
    return {name: anew[name] for name in ("digest", "sealed")}
