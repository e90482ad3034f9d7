"""An export of OpenHIM as something to import from: its records by kind, each under one key."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.importing.source import Row, SourceError, SourceTable

from proxy.openhim.channels import NOT_YET
from proxy.openhim.reading import Document, text
from proxy.registry.mediator_config import without_secrets

#: The kinds of an export, in the order in which they come over, and what names a record of each.
MEDIATORS, CHANNELS, CLIENTS, USERS = "Mediators", "Channels", "Clients", "Users"
KEYS = {MEDIATORS: "urn", CHANNELS: "name", CLIENTS: "clientID", USERS: "email"}
#: What an export may hold besides, and why it does not come over.
OTHERS = {
    "ContactGroups": "alerts and their groups do not come over",
    "ContactLists": "alerts and their groups do not come over",
    "Keystore": "certificates are nginx's here: KIUNGO_TLS_CERT, KIUNGO_TLS_CLIENT_CA",
}
_PASSPORTS = "Passports"


@dataclass(frozen=True)
class Export:
    """The records of an export. A row's `document` is whole, its `shown` without secrets."""

    records: dict[str, list[Document]] = field(repr=False)
    passports: dict[str, list[Document]] = field(repr=False)
    others: dict[str, int]

    @classmethod
    def of(cls, found: Any) -> "Export":
        """Read what was exported: an object, or a list with one. Raises SourceError."""
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
        if not isinstance(found, dict) or not found.keys() & {*KEYS, *OTHERS, _PASSPORTS}:
            raise SourceError(f"This is no export of OpenHIM: it has none of {', '.join(KEYS)}")
        passports: dict[str, list[Document]] = {}
        for one in _objects(found, _PASSPORTS):
            passports.setdefault(text(one, "email"), []).append(one)
        records = {kind: _objects(found, kind) for kind in KEYS}
        others = {kind: len(_objects(found, kind)) for kind in OTHERS}
        return cls(records, passports, {kind: count for kind, count in others.items() if count})

    def count(self, table: SourceTable) -> int:
        """How many records of a kind there are."""
        return len(self.records[table.name])

    def batches(self, table: SourceTable, *, size: int) -> Iterator[list[Row]]:
        """The records of a kind."""
        rows = [self.row(table.name, one) for one in self.records[table.name]]
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def row(self, kind: str, document: Document) -> Row:
        """A record as it is imported. What came over once comes again when more can come over."""
        name = text(document, KEYS[kind])
        key = hashlib.sha256(f"{kind} {name}".encode("utf-8", "replace")).hexdigest()
        passports = self.passports.get(name, []) if kind == USERS else []
        return {
            "id": key,
            "name": name,
            "shown": without_secrets(document),
            "not_yet": sorted(NOT_YET),
            "document": document,
            "passports": passports,
        }


def table_of_kind(kind: str) -> SourceTable:
    """What `common.importing` knows a kind by."""
    return SourceTable(kind)


def _objects(found: Document, kind: str) -> list[Document]:
    listed: Sequence[Any] = found.get(kind) or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise SourceError(f"{kind}: must be a list of objects")
    return list(listed)
