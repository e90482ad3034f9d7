"""`/admin/esb/audit/`: who did what. For administrators only."""

from common.audit.views import add_audit_page

from esb_relay.console.blueprint import pages

add_audit_page(pages, "/audit/")
