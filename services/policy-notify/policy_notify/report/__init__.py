"""The report of who can be notified: its rows, and five ways to write them down."""

from policy_notify.report.formats import FORMATS
from policy_notify.report.rows import Report, ReportHeader, ReportRow, prepare

__all__ = ["FORMATS", "Report", "ReportHeader", "ReportRow", "prepare"]
