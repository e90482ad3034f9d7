"""`/api/notification/audit/`: who did what."""

from common.audit.views import audit_blueprint

from notification.routes.locations import PREFIX

blp = audit_blueprint(PREFIX, "notification:audit")
