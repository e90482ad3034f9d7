"""What all formats share: titles, header lines and cells in their order."""

from policy_notify.report.rows import ReportHeader, ReportRow

TITLE = "Communication by notification"
#: The columns by field, with their titles.
COLUMNS = {
    "district": "District",
    "municipality": "Municipality",
    "village": "Village",
    "chf_id": "CHF ID",
    "given_name": "Given name",
    "last_name": "Last name",
    "phone": "Phone",
    "approval": "Approval",
    "language": "Language",
    "alternative_name": "Alternative member",
    "alternative_phone": "Alternative phone",
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
