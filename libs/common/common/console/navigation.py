"""The menu over all services. nginx knows which are installed and says so with every page."""

from dataclasses import dataclass

from flask import request

from common.console.rights import SIGNED_IN, Area, Right, StaffRole, Wanted
from common.console.staff import Staff

#: What nginx sends: `esb=esb_relay notification= …`; a name without an upstream is not installed.
SERVICES_HEADER = "X-Kiungo-Services"


@dataclass(frozen=True)
class Entry:
    """A page in the menu, for those who hold a right, or what `role` stands for there."""

    label: str
    path: str
    role: Wanted = StaffRole.VIEWER


@dataclass(frozen=True)
class Section:
    """The pages of a service; without a `service` they are always there."""

    label: str
    service: str | None
    entries: tuple[Entry, ...]
    area: Area = Area.GATEWAY


_GATEWAY = "/admin/mediator"
_ESB = "/admin/esb"
_NOTIFICATION = "/admin/notification"
_POLICY = "/admin/policy-notification"

SECTIONS = (
    Section(
        "Gateway",
        None,
        (
            Entry("Dashboard", "/admin/", StaffRole.OBSERVER),
            Entry("Health", f"{_GATEWAY}/checks/"),
            Entry("Alerts", f"{_GATEWAY}/alerts/"),
            Entry("Alert rules", f"{_GATEWAY}/alert-rules/", StaffRole.OPERATOR),
            Entry("Transactions", f"{_GATEWAY}/transactions/", StaffRole.OBSERVER),
            Entry("Reruns", f"{_GATEWAY}/tasks/"),
            Entry("Rejected", f"{_GATEWAY}/rejections/", StaffRole.OBSERVER),
            Entry("Differences", f"{_GATEWAY}/shadow-differences/"),
            Entry("Channels", f"{_GATEWAY}/channels/", StaffRole.OBSERVER),
            Entry("Mediators", f"{_GATEWAY}/mediators/", StaffRole.OBSERVER),
            Entry("Clients", f"{_GATEWAY}/clients/", StaffRole.OBSERVER),
            Entry("Registrations", f"{_GATEWAY}/registrations/", StaffRole.OBSERVER),
            Entry("Service levels", f"{_GATEWAY}/report/", StaffRole.OBSERVER),
            Entry("Staff", f"{_GATEWAY}/staff/", Right.GATEWAY_STAFF),
            Entry("Roles", f"{_GATEWAY}/roles/", Right.GATEWAY_STAFF),
            Entry("Configuration", f"{_GATEWAY}/metadata/", StaffRole.ADMIN),
            Entry("Tester", f"{_GATEWAY}/tester/", StaffRole.OPERATOR),
            Entry("Audit", f"{_GATEWAY}/audit/", Right.GATEWAY_AUDIT),
        ),
    ),
    Section(
        "National bus",
        "esb",
        (
            Entry("Overview", f"{_ESB}/"),
            Entry("Exchanges", f"{_ESB}/exchanges/"),
            Entry("Keys", f"{_ESB}/keys/"),
            Entry("Routes", f"{_ESB}/routes/"),
            Entry("Workbench", f"{_ESB}/workbench/", StaffRole.OPERATOR),
            Entry("Audit", f"{_ESB}/audit/", Right.ESB_AUDIT),
        ),
        Area.ESB,
    ),
    Section(
        "Notification",
        "notification",
        (
            Entry("Overview", f"{_NOTIFICATION}/"),
            Entry("Events", f"{_NOTIFICATION}/events/"),
            Entry("Rules", f"{_NOTIFICATION}/rules/"),
            Entry("Templates", f"{_NOTIFICATION}/templates/"),
            Entry("Outbox", f"{_NOTIFICATION}/outbox/"),
            Entry("Campaigns", f"{_NOTIFICATION}/campaigns/"),
            Entry("Why", f"{_NOTIFICATION}/why/"),
            Entry("Preferences", f"{_NOTIFICATION}/preferences/"),
            Entry("Inbox", f"{_NOTIFICATION}/inbox/"),
            Entry("Dead letters", f"{_NOTIFICATION}/dead-letters/"),
            Entry("Unreachable", f"{_NOTIFICATION}/unreachable/"),
            Entry("Webhooks", f"{_NOTIFICATION}/webhooks/"),
            Entry("Costs", f"{_NOTIFICATION}/costs/"),
            Entry("E-mail", f"{_NOTIFICATION}/e-mail/"),
            Entry("Audit", f"{_NOTIFICATION}/audit/", Right.NOTIFICATION_AUDIT),
        ),
        Area.NOTIFICATION,
    ),
    Section(
        "Policy notification",
        "policy-notification",
        (
            Entry("Overview", f"{_POLICY}/"),
            Entry("Families", f"{_POLICY}/families/"),
            Entry("Policies", f"{_POLICY}/policies/"),
            Entry("Runs", f"{_POLICY}/runs/"),
            Entry("Payments", f"{_POLICY}/payments/"),
            Entry("Report", f"{_POLICY}/report/"),
            Entry("Dead letters", f"{_POLICY}/dead-letters/"),
            Entry("Audit", f"{_POLICY}/audit/", Right.POLICY_AUDIT),
        ),
        Area.POLICY,
    ),
    Section("API", None, (Entry("API documents", "/api/docs/", SIGNED_IN),)),
)


def menu(staff: Staff) -> list[tuple[Section, list[Entry]]]:
    """What `staff` may open of what is installed."""
    installed = _installed(request.headers.get(SERVICES_HEADER, ""))
    shown = [
        (section, [one for one in section.entries if staff.at(section.area).may(one.role)])
        for section in SECTIONS
        if section.service is None or section.service in installed
    ]
    return [(section, entries) for section, entries in shown if entries]


def other_services(staff: Staff) -> list[tuple[str, str]]:
    """What is installed besides the gateway, where `staff` may read: labels, and where each is."""
    found = [(section, section.entries[0]) for section, _ in menu(staff) if section.service]
    return [
        (section.label, home.path.rstrip("/"))
        for section, home in found
        if staff.at(section.area).may(home.role)
    ]


def current_path(path: str) -> str:
    """The menu's entry that `path` belongs to: the longest that it begins with."""
    paths = [entry.path for section in SECTIONS for entry in section.entries]
    whole = f"{path.rstrip('/')}/"
    return max((one for one in paths if whole.startswith(one)), key=len, default="")


def _installed(header: str) -> set[str]:
    pairs = (item.partition("=") for item in header.split())
    return {name for name, _, address in pairs if address}
