"""The service's part of the console, at `/admin/notification/…`."""

import json
from typing import Any

from common.console.pages import Pages
from common.console.rights import Area

pages = Pages(__name__, "/admin/notification", area=Area.NOTIFICATION)


@pages.app_template_filter()
def as_json(value: Any) -> str:
    """A stored object as people read and type it."""
    return json.dumps(value, indent=2, ensure_ascii=False)
