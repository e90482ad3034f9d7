"""Alerts and reports are written in the language of who reads them."""

from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.gsm7 import measure
from common.ids import new_id, new_id_at
from common.texts import LANGUAGES, speaking
from proxy.alerts import words
from proxy.alerts.deciding import Act
from proxy.alerts.evaluation import evaluate
from proxy.alerts.messages import queue
from proxy.alerts.readings import DETAILS, Reading
from proxy.alerts.reports import report
from proxy.container import Container
from proxy.models import Alert, AlertMessage, StaffUser, TransactionStatus
from proxy.statistics.minute_rollups import roll_up_minutes
from sqlalchemy import select

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def french_account(container: Container) -> None:
    """One with the e-mail address of the groups that `add_rule` makes, in other letters."""
    with container.database.writing() as session:
        session.add(
            StaffUser(username="amina", email="Ops@Example.org", password_hash="!", language="fr")
        )


@pytest.mark.usefixtures("french_account")
def test_alert_is_told_in_the_accounts_language_else_in_the_installations(
    container: Container, add_rule: Any, record: Any
) -> None:
    add_rule()
    now = utc_now()
    for _ in range(3):
        record(correlation_id=new_id_at(now), started_at=now, status=TransactionStatus.FAILED)
    roll_up_minutes(container.database, now)

    with container.database.writing() as session:
        evaluate(session, now, "", "sw")
    with container.database.reading() as session:
        found = {one.kind: one.text for one in session.scalars(select(AlertMessage))}
        stored = session.scalars(select(Alert.detail)).one()

    assert found["sms"].startswith("TAHADHARI ")
    assert found["sms"].endswith("Patients: miito 3 kati ya 3 ilishindikana")
    assert "3 appels sur 3 ont échoué\n\nDepuis le " in found["email"]
    assert stored == "3 of 3 calls failed"


@pytest.mark.usefixtures("french_account")
def test_report_is_in_the_readers_language(
    container: Container, add_rule: Any, record: Any
) -> None:
    group, now = add_rule().group_id, utc_now()
    record(correlation_id=new_id_at(now), started_at=now, status=TransactionStatus.FAILED)
    with container.database.writing() as session:
        since = now - timedelta(days=1)

        def written() -> words.Words:
            return report(session, "daily", since, now + timedelta(hours=1))

        queue(session, None, [group], written, now, "en")
    with container.database.reading() as session:
        texts = {one.kind: one for one in session.scalars(select(AlertMessage))}

    assert texts["email"].subject.startswith("Kiungo, rapport journalier jusqu’au ")
    assert "Patients: 1 appel, 1 en échec (100.0 %)" in texts["email"].text
    assert texts["sms"].subject.startswith("Kiungo, daily report to ")


@pytest.mark.parametrize(
    "detail", ["7 of 9 calls failed", "its file is not there", "no calls in 60 s"]
)
def test_sms_of_an_alert_is_one_segment_in_each_language(detail: str) -> None:
    alert = Alert(id=new_id(), rule_name="Laboratory", subject="Lab", created_at=utc_now())
    for language in LANGUAGES:
        for act in Act:
            with speaking(language):
                said = words.of(act, alert, Reading("Lab", True, 7.0, detail), "")
            assert (measure(said.short).encoding, measure(said.short).segments) == ("GSM-7", 1)


def test_details_that_are_stored_in_english_are_read_in_other_languages() -> None:
    with speaking("fr"):
        assert DETAILS.gettext("93 % are used") == "93 % sont utilisés"
        assert DETAILS.gettext("does not answer (Timeout)") == "ne répond pas (Timeout)"
        assert DETAILS.gettext("something else") == "something else"
    assert DETAILS.gettext("93 % are used") == "93 % are used"
