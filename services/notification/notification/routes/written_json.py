"""A blueprint whose JSON bodies keep numbers as they were written."""

import json
import re
from typing import Any

from common.web import api
from flask import Request

from notification.emit.written import WrittenFloat

#: Where a number may be that is no whole one.
_FRACTION = re.compile(rb"[0-9][.eE][0-9+-]")


class _Parser(type(api.Blueprint.ARGUMENTS_PARSER)):  # type: ignore[misc]
    """The house's parser, but for fractions."""

    def _raw_load_json(self, req: Request) -> Any:
        found = super()._raw_load_json(req)  # it says what is wrong with a body
        body = req.get_data(cache=True)
        return json.loads(body, parse_float=WrittenFloat) if _FRACTION.search(body) else found


class WrittenBlueprint(api.Blueprint):
    """For routes that put numbers into words."""

    ARGUMENTS_PARSER = _Parser()
