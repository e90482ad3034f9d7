"""Where a log-in may lead: to the console's own pages, never to another site."""

import re
from urllib.parse import unquote

from proxy.registry.patterns import has_dot_segments

HOME = "/admin/"
_LOCAL = re.compile(r"/admin/[\w\-.~/%?=&+:,@]*", re.ASCII)


def local_path(wanted: str) -> str:
    """`wanted` if it is a path below `/admin/`, else the landing page."""
    path = unquote(wanted.partition("?")[0])
    is_local = _LOCAL.fullmatch(wanted) and not has_dot_segments(path)
    return wanted if is_local else HOME
