"""Fields that several of the proxy's schemas share."""

from typing import Any

import marshmallow as ma
from common.texts import _
from common.web.fields import JsonObject, Line, Moment, Name
from marshmallow import validate

from proxy.models.clients import network_text
from proxy.record.headers import readable_headers

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MAX_LISTED = 100


#: What a page of a search says besides its rows.
SEARCHED_BACK_TO = Moment(
    required=True,
    allow_none=True,
    metadata={"description": "Where the search stopped before the page was full"},
)


class Schema(ma.Schema):
    """Members that are not declared are refused, and the document says so."""

    class Meta:
        unknown = ma.RAISE


class Recorded(Schema):
    """What every record answers besides its own members."""

    id = ma.fields.UUID(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


class Headers(ma.fields.Dict):
    """Recorded headers, as people read them."""

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return readable_headers(value)


class Method(Name):
    """An HTTP method; letter case does not matter on the way in."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=16, validate=validate.OneOf(METHODS), **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, *args, **kwargs).upper()


class NetworkText(Name):
    """An address or a CIDR network."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"pattern": r"^[0-9A-Fa-f:.]+(/[0-9.]+)?$"}
        super().__init__(max_length=64, metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        try:
            return network_text(text)
        except ValueError as exc:
            raise ma.ValidationError(_("Must be an IP address or a CIDR network.")) from exc


class LineOrNull(Line):
    """Text of one line; null is as good as none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_none=True, load_default="", **kwargs)

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Read the field's value."""
        return super().deserialize("" if value is None else value, *args, **kwargs)


class Positive(ma.fields.Float):
    """A number above 0 and up to `most`; null: none is said."""

    def __init__(self, *, most: float, **kwargs: Any) -> None:
        inside = validate.Range(0, most, min_inclusive=False)
        super().__init__(load_default=None, allow_none=True, validate=inside, **kwargs)


class Several(ma.fields.List[Any]):
    """A list of at most `most` items; repeated ones are kept once, null is as good as none."""

    def __init__(self, item: Any, *, most: int = MAX_LISTED, **kwargs: Any) -> None:
        super().__init__(item, validate=validate.Length(max=most), allow_none=True, **kwargs)

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Read the field's value."""
        return super().deserialize([] if value is None else value, *args, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        items = super()._deserialize(value, *args, **kwargs)
        self._validate(items)
        return list(dict.fromkeys(items))


class Complete(ma.fields.Nested):
    """An object that is given as a whole, in a change as well."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, *args, **{**kwargs, "partial": False})


class Objects(ma.fields.List[Any]):
    """JSON objects that can be stored, each with the member `named`; null is as good as none."""

    def __init__(self, named: str, **kwargs: Any) -> None:
        super().__init__(
            JsonObject(), validate=validate.Length(max=MAX_LISTED), allow_none=True, **kwargs
        )
        self._named = named

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Read the field's value."""
        return super().deserialize([] if value is None else value, *args, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        items: list[Any] = super()._deserialize(value, *args, **kwargs)
        for at, item in enumerate(items):
            if not isinstance(item.get(self._named), str) or not item[self._named].strip():
                raise ma.ValidationError({at: {self._named: ["Must be there, and be text."]}})
        return items
