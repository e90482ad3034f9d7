"""`/api/esb/audit/`: who did what."""

from common.audit.views import audit_blueprint

from esb_relay.routes.locations import PREFIX

blp = audit_blueprint(PREFIX, "esb:audit")
