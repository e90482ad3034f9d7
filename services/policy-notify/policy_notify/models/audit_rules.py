"""What counts in this service's audit log."""

from common.audit.changes import Kind
from common.audit.log import AuditRules

from policy_notify.models import FamilyConsent, Run

_DATA = "the scheme's records as another system holds them: data, not a person's act"

RULES = AuditRules(
    kinds={
        FamilyConsent: Kind("consent"),
        Run: Kind("run", lambda one: str(one.run_date), left_out=frozenset({"summary"})),
    },
    not_acts={
        "console._nothing_here": "there is no such page",
        "console.find_here": "asks what is on record; nothing changes",
        "payments.Payments": _DATA,
        "read_model.put_families": _DATA,
        "read_model.put_indications": _DATA,
        "read_model.put_insurees": _DATA,
        "read_model.put_locations": _DATA,
        "read_model.put_officers": _DATA,
        "read_model.put_policies": _DATA,
        "read_model.put_products": _DATA,
    },
    views={
        "console.family": "family.viewed",
        "console.dry_run": "messages.viewed",
        "console.report": "report.viewed",
        "indications.list_indications": "messages.viewed",
        "report.read_report": "report.viewed",
        "openimis_report.read_openimis_report": "report.viewed",
    },
    jobs=frozenset({"worker", "purge", "import", "sync"}),
)
