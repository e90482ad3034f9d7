"""Fields and bases that several of this service's schemas share."""

from typing import Any

import marshmallow as ma


class Schema(ma.Schema):
    """Members that are not declared are rejected, and the document says so."""

    class Meta:
        unknown = ma.RAISE


class ModeField(ma.fields.Integer):
    """0 all, 1 approval and phone, 2 approval only, 3 phone only, 4 neither."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=ma.validate.Range(0, 4), load_default=0, **kwargs)


class StatusField(ma.fields.Integer):
    """How a message ended, in openIMIS's numbers: what is looked for; none: any."""

    def __init__(self) -> None:
        words = "0 undefined, 1 sent, 2 no permission, 3 obsolete, 4 error, 5 not valid"
        super().__init__(
            load_default=None,
            validate=ma.validate.Range(0, 5),
            metadata={"description": words, "example": 1},
        )
