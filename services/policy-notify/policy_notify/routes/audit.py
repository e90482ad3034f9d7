"""`/api/policy-notification/audit/`: who did what."""

from common.audit.views import audit_blueprint

from policy_notify.routes.locations import PREFIX

blp = audit_blueprint(PREFIX, "policy:audit")
