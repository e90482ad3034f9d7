"""The menu over all services. nginx knows which are installed and says so with every page."""

from dataclasses import dataclass

from flask import request

from common.console.rights import SIGNED_IN, Area, Right, StaffRole, Wanted
from common.console.staff import Staff
from common.texts import N_

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


_HOME = "/admin/"
_GATEWAY = "/admin/mediator"
_ESB = "/admin/esb"
_NOTIFICATION = "/admin/notification"
_POLICY = "/admin/policy-notification"

SECTIONS = (
    Section(
        N_("Gateway"),
        None,
        (
            Entry(N_("Dashboard"), _HOME, StaffRole.OBSERVER),
            Entry(N_("Health"), f"{_GATEWAY}/checks/"),
            Entry(N_("Alerts"), f"{_GATEWAY}/alerts/"),
            Entry(N_("Alert rules"), f"{_GATEWAY}/alert-rules/", StaffRole.OPERATOR),
            Entry(N_("Transactions"), f"{_GATEWAY}/transactions/", StaffRole.OBSERVER),
            Entry(N_("Reruns"), f"{_GATEWAY}/tasks/"),
            Entry(N_("Rejected"), f"{_GATEWAY}/rejections/", StaffRole.OBSERVER),
            Entry(N_("Differences"), f"{_GATEWAY}/shadow-differences/"),
            Entry(N_("Channels"), f"{_GATEWAY}/channels/", StaffRole.OBSERVER),
            Entry(N_("Mediators"), f"{_GATEWAY}/mediators/", StaffRole.OBSERVER),
            Entry(N_("Clients"), f"{_GATEWAY}/clients/", StaffRole.OBSERVER),
            Entry(N_("Registrations"), f"{_GATEWAY}/registrations/", StaffRole.OBSERVER),
            Entry(N_("Service levels"), f"{_GATEWAY}/report/", StaffRole.OBSERVER),
            Entry(N_("Staff"), f"{_GATEWAY}/staff/", Right.GATEWAY_STAFF),
            Entry(N_("Roles"), f"{_GATEWAY}/roles/", Right.GATEWAY_STAFF),
            Entry(N_("Configuration"), f"{_GATEWAY}/metadata/", StaffRole.ADMIN),
            Entry(N_("Tester"), f"{_GATEWAY}/tester/", StaffRole.OPERATOR),
            Entry(N_("Audit"), f"{_GATEWAY}/audit/", Right.GATEWAY_AUDIT),
        ),
    ),
    Section(
        N_("National bus"),
        "esb",
        (
            Entry(N_("Overview"), f"{_ESB}/"),
            Entry(N_("Exchanges"), f"{_ESB}/exchanges/"),
            Entry(N_("Keys"), f"{_ESB}/keys/"),
            Entry(N_("Routes"), f"{_ESB}/routes/"),
            Entry(N_("Workbench"), f"{_ESB}/workbench/", StaffRole.OPERATOR),
            Entry(N_("Audit"), f"{_ESB}/audit/", Right.ESB_AUDIT),
        ),
        Area.ESB,
    ),
    Section(
        N_("Notification"),
        "notification",
        (
            Entry(N_("Overview"), f"{_NOTIFICATION}/"),
            Entry(N_("Events"), f"{_NOTIFICATION}/events/"),
            Entry(N_("Rules"), f"{_NOTIFICATION}/rules/"),
            Entry(N_("Templates"), f"{_NOTIFICATION}/templates/"),
            Entry(N_("Outbox"), f"{_NOTIFICATION}/outbox/"),
            Entry(N_("Campaigns"), f"{_NOTIFICATION}/campaigns/"),
            Entry(N_("Why"), f"{_NOTIFICATION}/why/"),
            Entry(N_("Preferences"), f"{_NOTIFICATION}/preferences/"),
            Entry(N_("Inbox"), f"{_NOTIFICATION}/inbox/"),
            Entry(N_("Dead letters"), f"{_NOTIFICATION}/dead-letters/"),
            Entry(N_("Unreachable"), f"{_NOTIFICATION}/unreachable/"),
            Entry(N_("Webhooks"), f"{_NOTIFICATION}/webhooks/"),
            Entry(N_("Costs"), f"{_NOTIFICATION}/costs/"),
            Entry(N_("E-mail"), f"{_NOTIFICATION}/e-mail/"),
            Entry(N_("Audit"), f"{_NOTIFICATION}/audit/", Right.NOTIFICATION_AUDIT),
        ),
        Area.NOTIFICATION,
    ),
    Section(
        N_("Policy notification"),
        "policy-notification",
        (
            Entry(N_("Overview"), f"{_POLICY}/"),
            Entry(N_("Families"), f"{_POLICY}/families/"),
            Entry(N_("Policies"), f"{_POLICY}/policies/"),
            Entry(N_("Runs"), f"{_POLICY}/runs/"),
            Entry(N_("Payments"), f"{_POLICY}/payments/"),
            Entry(N_("Report"), f"{_POLICY}/report/"),
            Entry(N_("Dead letters"), f"{_POLICY}/dead-letters/"),
            Entry(N_("Audit"), f"{_POLICY}/audit/", Right.POLICY_AUDIT),
        ),
        Area.POLICY,
    ),
    Section(N_("API"), None, (Entry(N_("API documents"), "/api/docs/", SIGNED_IN),)),
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
    """The menu's entry that `path` belongs to: the longest that it begins with.

    All begin with the dashboard's path; what is below no other entry is in no menu.
    """
    whole = f"{path.rstrip('/')}/"
    if whole == _HOME:
        return _HOME
    paths = {entry.path for section in SECTIONS for entry in section.entries} - {_HOME}
    return max((one for one in paths if whole.startswith(one)), key=len, default="")


def _installed(header: str) -> set[str]:
    pairs = (item.partition("=") for item in header.split())
    return {name for name, _, address in pairs if address}
