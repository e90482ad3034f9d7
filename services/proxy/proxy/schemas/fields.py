"""Fields that several of the proxy's schemas share."""

from ipaddress import ip_network
from typing import Any

import marshmallow as ma
from common.fields import Moment, Name
from marshmallow import validate

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MAX_LISTED = 100


class Schema(ma.Schema):
    """Members that are not declared are refused, and the document says so."""

    class Meta:
        unknown = ma.RAISE


class Recorded(Schema):
    """What every record answers besides its own members."""

    id = ma.fields.UUID(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


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
            ip_network(text, strict=False)
        except ValueError as exc:
            raise ma.ValidationError("Must be an IP address or a CIDR network.") from exc
        return text


class Several(ma.fields.List[Any]):
    """A list of at most `most` items; repeated ones are kept once."""

    def __init__(self, item: Any, *, most: int = MAX_LISTED, **kwargs: Any) -> None:
        super().__init__(item, validate=validate.Length(max=most), **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        items = super()._deserialize(value, *args, **kwargs)
        self._validate(items)
        return list(dict.fromkeys(items))
