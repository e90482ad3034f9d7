"""Fields and bases that several of the relay's schemas share."""

import marshmallow as ma


class Schema(ma.Schema):
    """Members that are not declared are refused, and the document says so."""

    class Meta:
        unknown = ma.RAISE


class AnyJson(ma.fields.Raw):
    """Any JSON value; its text is taken from the request itself, digit for digit."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(allow_none=True, **kwargs)  # type: ignore[arg-type]
