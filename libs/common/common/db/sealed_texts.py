"""Columns of text that are sealed at rest and in clear in memory, for models of an ORM.

A model names them once (`SealedTexts`). Sessions of a database that `seals_texts` open them as rows
are loaded and seal them as objects are written. Rows that are written without the ORM are sealed by
`SealedTexts.seal_row`; columns that are selected without it are opened by `SealedTexts.opened`.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, LargeBinary, Table, event, inspect
from sqlalchemy.orm import Mapper, Session, object_session
from sqlalchemy.orm.attributes import set_committed_value

from common.db.database import Database
from common.resealing import SealedColumn
from common.sealing import Sealer, SealingKey, is_sealed

#: Stands for a text whose key is gone.
LOCKED = "<sealed under a key that is gone>"
_INFO = "kiungo-text-sealer"


Text = TypeVar("Text", str, bytes)


@dataclass(frozen=True)
class TextSealer:
    """Seals texts of an installation that wants it and has keys; opens those of any other, too."""

    sealer: Sealer
    is_wanted: bool = True

    def key(self) -> SealingKey | None:
        """What seals texts here and now; None where they stay in clear."""
        return self.sealer.newest_key() if self.is_wanted else None

    def seal(self, purpose: bytes, row: bytes, text: Text) -> Text:
        """The text as it is stored."""
        if self.key() is None:
            return text
        if isinstance(text, bytes):
            return self.sealer.seal(purpose, row, text)
        return self.sealer.seal_text(purpose, row, text)

    def open(self, purpose: bytes, row: bytes, stored: Text) -> Text:
        """The text again; `LOCKED` where its key is gone."""
        if isinstance(stored, str):  # which looks itself whether it is sealed
            found = self.sealer.open_text(purpose, row, stored)
            return LOCKED if found is None else found
        if not is_sealed(stored):
            return stored
        opened = self.sealer.open(purpose, row, stored)
        return LOCKED.encode() if opened is None else opened


def seals_texts(database: Database, texts: TextSealer) -> None:
    """Let the sessions of `database` seal and open with `texts`."""
    database.tell_sessions(_INFO, texts)


class SealedTexts:
    """The sealed columns of a model by their purposes; `needs` are those that they are bound to.

    `in_clear` are texts that say nothing and stay: placeholders.
    """

    def __init__(
        self,
        model: type[Any],
        purposes: Mapping[str, bytes],
        needs: tuple[str, ...],
        in_clear: frozenset[str] = frozenset(),
    ) -> None:
        self._model = model
        self._purposes = purposes
        self._needs = needs
        self._in_clear = in_clear | {""}
        event.listen(model, "load", self._loaded)
        event.listen(model, "refresh", self._refreshed)
        for name, seal in (("before_insert", True), ("after_insert", False)):
            event.listen(model, name, self._on_write(seal=seal))
        for name, seal in (("before_update", True), ("after_update", False)):
            event.listen(model, name, self._on_write(seal=seal))

    def seal_row(self, texts: TextSealer, row: dict[str, Any], key: object = None) -> None:
        """Seal the columns of a row that is not written by the ORM, in place.

        `key` is what the row is bound to, where it is not in columns of `row`.
        """
        bound = bound_bytes((key,) if key is not None else [row[name] for name in self._needs])
        for name, purpose in self._purposes.items():
            text = row.get(name)
            if text is not None and text not in self._in_clear:
                row[name] = texts.seal(purpose, bound, text)

    def seal(self, row: dict[str, Any], key: SealingKey, bound: bytes) -> None:
        """The same under a key that the caller has, for columns of text."""
        for name, purpose in self._purposes.items():
            text = row.get(name)
            if text is not None and text not in self._in_clear:
                row[name] = key.seal_text(purpose + bound, text.encode("utf-8", "surrogatepass"))

    def seal_for(self, session: Session, row: dict[str, Any], *key: object) -> None:
        """The same for a statement that `session` makes; `key` is what its row is bound to."""
        texts = texts_of(session)
        if texts is not None:
            self.seal_row(texts, row, bound_bytes(key) if key else None)

    def opened(self, texts: TextSealer, name: str, stored: Text, *key: object) -> Text:
        """The text of one column that was selected by itself; `key` is what its row is bound to."""
        return texts.open(self._purposes[name], bound_bytes(key), stored)

    def columns(self) -> list[SealedColumn]:
        """What `reseal` looks at."""
        table: Table = self._model.__table__
        return [
            SealedColumn(
                table,
                name,
                purpose,
                self._bound_of,
                self._needs,
                may_be_clear=True,
                only=self._said(name),
            )
            for name, purpose in self._purposes.items()
        ]

    def _said(self, name: str) -> Callable[[Table], ColumnElement[bool]] | None:
        """Which texts say something; bytes have no placeholders."""
        if isinstance(self._model.__table__.c[name].type, LargeBinary):
            return None
        return lambda table: table.c[name].not_in(self._in_clear)

    def _bound_of(self, row: Any) -> bytes:
        return bound_bytes([getattr(row, name) for name in self._needs])

    def _loaded(self, target: Any, context: Any) -> None:
        self._open(target, context.session)

    def _refreshed(self, target: Any, context: Any, _names: object) -> None:
        self._open(target, context.session)

    def _open(self, target: Any, session: Session | None) -> None:
        texts = texts_of(session)
        if texts is None:
            return
        for name, purpose in self._purposes.items():
            stored = target.__dict__.get(name)
            if stored is not None and is_sealed(stored):
                text = texts.open(purpose, self._bound_of(target), stored)
                set_committed_value(target, name, text)

    def _on_write(self, *, seal: bool) -> Callable[[Mapper[Any], Any, Any], None]:
        def written(_mapper: Mapper[Any], _connection: Any, target: Any) -> None:
            if seal:
                self._seal(target)
            else:
                self._open(target, object_session(target))

        return written

    def _seal(self, target: Any) -> None:
        texts = texts_of(object_session(target))
        if texts is None:
            return
        bound = self._bound_of(target)
        for name, purpose in self._purposes.items():
            text = target.__dict__.get(name)
            is_new = inspect(target).attrs[name].history.has_changes()
            if is_new and text is not None and text not in self._in_clear:
                setattr(target, name, texts.seal(purpose, bound, text))


def texts_of(session: Session | None) -> TextSealer | None:
    """What the sessions of a database seal and open with; None where they do not."""
    return None if session is None else session.info.get(_INFO)


def bound_bytes(key: Sequence[object]) -> bytes:
    """What a text is bound to, from the values of a row's key."""
    if len(key) == 1:  # most are
        return _bytes(key[0])
    return b"\n".join(map(_bytes, key))


def _bytes(key: object) -> bytes:
    if isinstance(key, bytes):
        return key
    return key.bytes if isinstance(key, uuid.UUID) else str(key).encode()
