"""The service's part of the console, at `/admin/policy-notification/…`."""

from common.console.pages import Pages
from common.console.rights import Area

pages = Pages(__name__, "/admin/policy-notification", area=Area.POLICY)
