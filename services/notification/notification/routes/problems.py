"""Problems that say more than those of all services."""

import json
from http import HTTPStatus

from common.web.problems import MEDIA_TYPE, problem
from flask import Flask, Response

from notification.errors import UnknownRecord


def register_problems(app: Flask) -> None:
    """An id that names nothing is answered with it, as the Django mediator does."""
    app.register_error_handler(UnknownRecord, _unknown_record)


def _unknown_record(error: UnknownRecord) -> Response:
    body = {**problem(HTTPStatus.NOT_FOUND, str(error)), **error.members}
    return Response(json.dumps(body), HTTPStatus.NOT_FOUND, content_type=MEDIA_TYPE)
