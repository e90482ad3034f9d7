"""Layout, styles and scripts of the console. The proxy serves the files, once for all services."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory

from common.console.guard import strict

FOLDER = Path(__file__).parent / "static"
PREFIX = "/admin/static"
_HOUR_S = 3600
_YEAR_S = 365 * 24 * _HOUR_S

#: Makes the templates `console/…` known to an app.
templates = Blueprint("console-templates", __name__, template_folder="templates")
#: Serves the files.
files = Blueprint("console-files", __name__, url_prefix=PREFIX)
files.after_request(strict)


@cache
def url(name: str) -> str:
    """Where a file is; another content has another address, so that browsers may keep it."""
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]
    return f"{PREFIX}/{name}?v={digest}"


@files.get("/<path:name>")
def file(name: str) -> Response:
    """A style, a script, a picture."""
    return send_from_directory(FOLDER, name, max_age=_YEAR_S if "v" in request.args else _HOUR_S)
