"""What all formats share: titles, header lines and cells in their order."""

from policy_notify.report.rows import ReportHeader, ReportRow

TITLE = "Communication by notification"
#: The columns by field, with their titles; openIMIS's where it has one.
COLUMNS = {
    "district": "District",
    "municipality": "Municipality",
    "village": "Village",
    "chf_id": "CHF ID",
    "given_name": "Given name",
    "last_name": "Last name",
    "phone": "Phone",
    "approval": "Approval Of Notification",
    "language": "Language of Notification",
    "alternative_given_name": "Member Given Names",
    "alternative_last_name": "Member Last Name",
    "alternative_phone": "Member Phone Number",
}


def header_lines(header: ReportHeader) -> list[tuple[str, str]]:
    """The lines above the table: a name and a value."""
    return [
        ("Region", header.region),
        ("District", header.district),
        ("Officer", header.officer),
        ("Families", header.mode),
    ]


def cells(row: ReportRow) -> list[str]:
    """A row as texts, in the order of the columns."""
    return [_shown(getattr(row, name)) for name in COLUMNS]


def _shown(value: str | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value
