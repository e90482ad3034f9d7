"""Columns that are sealed together: one text in a column of its own holds the values of several.

One text costs less than one for each of them, and they are all wanted together, or not at all. What
stays in the columns themselves says nothing. As with `common.db.sealed_texts`, sessions of a
database that `seals_texts` open and seal what the ORM reads and writes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from common.db.sealed_texts import LOCKED, TextSealer, bound_bytes, texts_of
from common.resealing import SealedColumn
from common.sealing import Sealer, SealingKey
from sqlalchemy import ColumnElement, Table, event, inspect
from sqlalchemy.orm import Session, object_session
from sqlalchemy.orm.attributes import set_committed_value

_encoded = msgspec.json.Encoder().encode
_decoded = msgspec.json.Decoder().decode


class SealedGroup:
    """The columns of a model that the text in `holder` stands for, each with what it holds then.

    The text is bound to `needs`. Where nothing is sealed, `holder` is null and all is in clear.
    """

    def __init__(
        self,
        model: type[Any],
        holder: str,
        purpose: bytes,
        left: Mapping[str, Any],
        needs: tuple[str, ...],
    ) -> None:
        self._model = model
        self._holder = holder
        self._purpose = purpose
        self._left = dict(left)
        self._needs = needs
        self._nothing = [None] * len(left)
        event.listen(model, "load", self._loaded)
        event.listen(model, "refresh", self._refreshed)
        for name in ("before_insert", "before_update"):
            event.listen(model, name, self._before)
        for name in ("after_insert", "after_update"):
            event.listen(model, name, self._after)

    def seal_row(self, texts: TextSealer, row: dict[str, Any], key: object = None) -> None:
        """Seal the columns of a row that is not written by the ORM, in place, where texts are
        sealed; `key` is what it is bound to, where that is not in columns of `row`.
        """
        sealing = texts.key()
        if sealing is None:
            row[self._holder] = None
        else:
            values = (key,) if key is not None else [row[name] for name in self._needs]
            self.seal(row, sealing, bound_bytes(values))

    def seal(self, row: dict[str, Any], key: SealingKey, bound: bytes) -> None:
        """The same under a key that the caller has."""
        values = [row[name] for name in self._left]
        if values == self._nothing:
            row[self._holder] = None
            return
        row[self._holder] = key.seal_text(self._purpose + bound, _encoded(values))
        row.update(self._left)

    def opened(self, texts: TextSealer, stored: str | None, *key: object) -> dict[str, Any]:
        """The columns that a text of `holder` stands for; `LOCKED` where its key is gone."""
        if stored is None:
            return {}
        text = texts.open(self._purpose, bound_bytes(key), stored)
        if text == LOCKED:
            return {name: LOCKED for name, left in self._left.items() if isinstance(left, str)}
        return dict(zip(self._left, _decoded(text), strict=True))

    def columns(self, sealer: Sealer) -> list[SealedColumn]:
        """What `reseal` looks at: rows in clear, and those under older keys."""
        table: Table = self._model.__table__
        first = next(iter(self._left))
        return [
            SealedColumn(
                table,
                first,
                self._purpose,
                self._bound_of,
                (*self._needs, *self._left),
                rewrite=lambda row: self._sealed_anew(TextSealer(sealer), row),
                only=self._is_in_clear(first),
            ),
            SealedColumn(table, self._holder, self._purpose, self._bound_of, self._needs),
        ]

    def _is_in_clear(self, first: str) -> Callable[[Table], ColumnElement[bool]]:
        return lambda table: table.c[self._holder].is_(None) & table.c[first].is_not(None)

    def _sealed_anew(self, texts: TextSealer, row: Any) -> dict[str, Any]:
        values = {name: getattr(row, name) for name in (*self._needs, *self._left)}
        self.seal_row(texts, values)
        return {name: values[name] for name in (self._holder, *self._left)}

    def _bound_of(self, row: Any) -> bytes:
        return bound_bytes([getattr(row, name) for name in self._needs])

    def _loaded(self, target: Any, context: Any) -> None:
        self._open(target, context.session)

    def _refreshed(self, target: Any, context: Any, _names: object) -> None:
        self._open(target, context.session)

    def _after(self, _mapper: object, _connection: object, target: Any) -> None:
        self._open(target, object_session(target))

    def _open(self, target: Any, session: Session | None) -> None:
        texts, stored = texts_of(session), target.__dict__.get(self._holder)
        if texts is None or stored is None:
            return
        key = [getattr(target, name) for name in self._needs]
        for name, value in self.opened(texts, stored, *key).items():
            if name in target.__dict__:
                set_committed_value(target, name, value)

    def _before(self, _mapper: object, _connection: object, target: Any) -> None:
        texts, state = texts_of(object_session(target)), inspect(target)
        if texts is None or not any(state.attrs[name].history.has_changes() for name in self._left):
            return
        names = (*self._needs, *self._left)
        row = {name: getattr(target, name) for name in names}
        self.seal_row(texts, row)
        for name in (self._holder, *self._left):
            setattr(target, name, row[name])
