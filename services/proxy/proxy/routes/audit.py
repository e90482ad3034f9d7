"""`/api/proxy/audit/`: who did what."""

from common.audit.views import audit_blueprint

from proxy.routes.locations import PREFIX

blp = audit_blueprint(PREFIX, "proxy:audit")
