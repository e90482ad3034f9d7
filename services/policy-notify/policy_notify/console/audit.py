"""`/admin/policy-notification/audit/`: who did what. For administrators only."""

from common.audit.views import add_audit_page

from policy_notify.console.blueprint import pages

add_audit_page(pages, "/audit/")
