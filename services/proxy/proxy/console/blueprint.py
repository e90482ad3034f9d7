"""The proxy's part of the console: everything below `/admin/` that is no other service's."""

from common.console.pages import Pages
from common.console.rights import Area
from common.console.staff import StaffRole

from proxy.alerts.readings import DETAILS
from proxy.console import cookies
from proxy.console.call_errors import ERRORS, WHY_NOT
from proxy.record.headers import readable_value

pages = Pages(
    __name__,
    "/admin",
    area=Area.GATEWAY,
    least_role=StaffRole.OBSERVER,
    static_url_path="/mediator/static",
)
pages.after_request(cookies.renew)
pages.add_app_template_filter(readable_value)
pages.add_app_template_filter(DETAILS.gettext, "detail")
pages.add_app_template_filter(ERRORS.gettext, "call_error")
pages.add_app_template_filter(WHY_NOT.gettext, "why_not")
