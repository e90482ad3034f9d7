"""`/admin/branding/…`: the installation's own pictures, from `BRANDING_DIR`."""

from common.console.guard import strict
from common.console.settings import BRANDING
from common.logs import get_logger
from flask import Blueprint, Response, send_from_directory

from proxy.config import Settings
from proxy.container import container

log = get_logger(__name__)

_HOUR_S = 3600

#: Serves the pictures.
files = Blueprint("branding", __name__, url_prefix=BRANDING)
files.after_request(strict)


@files.get("/<path:name>")
def file(name: str) -> Response:
    """A picture."""
    folder = container().settings.branding_dir.absolute()
    return send_from_directory(folder, name, max_age=_HOUR_S)


def warn_of_missing(settings: Settings) -> None:
    """Say which pictures are named and not there: pages show a gap instead of them."""
    shown = (settings.emblem_logo, settings.emblem_login, settings.emblem_icon)
    for path in (*shown, settings.emblem_favicon):
        name = (path or "").removeprefix(f"{BRANDING}/")
        if name != path and path and not (settings.branding_dir / name).is_file():
            log.warning("branding_file_missing", file=name, folder=str(settings.branding_dir))
