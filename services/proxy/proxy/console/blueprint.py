"""The proxy's part of the console: everything below `/admin/` that is no other service's."""

from common.console.pages import Pages

from proxy.console import cookies

pages = Pages(__name__, "/admin", static_url_path="/mediator/static")
pages.after_request(cookies.renew)
