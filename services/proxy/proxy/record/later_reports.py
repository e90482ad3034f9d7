"""What a mediator reports of a call after it has ended: added to what it reported before."""

import uuid

from sqlalchemy.orm import Session

from proxy.models import TransactionProperty, TransactionReport
from proxy.record.reports import MOST_STEPS, OWN_PART, Report, recorded, report_rows
from proxy.record.rows import Storing
from proxy.record.sealing import Sealer


def add_report(
    session: Session,
    sealer: Sealer,
    storing: Storing,
    correlation_id: uuid.UUID,
    report: Report,
    *,
    replaces_steps: bool,
) -> None:
    """Keep `report` as well: its steps after those that are there, or instead of them."""
    sealed, properties = report_rows(sealer, correlation_id, recorded(report, storing))
    new = TransactionReport(**sealed["rows"][0])
    stored = session.get(TransactionReport, (correlation_id, OWN_PART))
    before = (sealer.open_report(stored) if stored is not None else None) or {}
    added = sealer.open_report(new) or {}
    steps = [] if replaces_steps else list(before.get("orchestrations", ()))
    steps += added.get("orchestrations", ())
    document = {
        "urn": added.get("urn") or before.get("urn", ""),
        "orchestrations": steps[:MOST_STEPS],
        "error": added.get("error") or before.get("error"),
    }
    row = sealer.report_row(correlation_id, OWN_PART, document)
    if stored is None:
        session.add(TransactionReport(**row))
    else:
        stored.sealed = row["sealed"]
    for one in properties["rows"] if properties else ():
        session.merge(TransactionProperty(**one))
