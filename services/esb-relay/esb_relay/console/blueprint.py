"""The relay's part of the console, at `/admin/esb/…`."""

from common.console.pages import Pages
from common.console.rights import Area

pages = Pages(__name__, "/admin/esb", area=Area.ESB)
