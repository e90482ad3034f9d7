"""Alerts and reports are written in the language of who reads them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from certificates import write_certificate
from common.clock import utc_now
from common.gsm7 import measure
from common.ids import new_id, new_id_at
from common.texts import LANGUAGES, speaking
from proxy.alerts import words
from proxy.alerts.deciding import Act
from proxy.alerts.evaluation import evaluate
from proxy.alerts.messages import queue
from proxy.alerts.readings import DETAILS, Minutes, Reading, of_calls, read
from proxy.alerts.reports import report
from proxy.checks.probes import certificate, unknown_outcomes
from proxy.container import Container
from proxy.models import (
    Alert,
    AlertMessage,
    AlertRule,
    LoginAttempt,
    Measure,
    StaffUser,
    TransactionStatus,
)
from proxy.statistics.minute_rollups import roll_up_minutes
from proxy.statistics.rollups import Rollup
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


#: What a detail says of one and of two: in English as it is stored, in Swahili, in French.
OF_ONE_AND_TWO = {
    "log-ins": [
        ("1 log-in was rejected", "jaribio 1 la kuingia lilikataliwa", "1 connexion a été refusée"),
        (
            "2 log-ins were rejected",
            "majaribio 2 ya kuingia yalikataliwa",
            "2 connexions ont été refusées",
        ),
    ],
    "calls": [
        ("1 call in 60 s", "mwito 1 katika sekunde 60", "1 appel en 60 s"),
        ("2 calls in 60 s", "miito 2 katika sekunde 60", "2 appels en 60 s"),
    ],
    "failures": [
        ("1 of 5 calls failed", "mwito 1 kati ya 5 ulishindikana", "1 appel sur 5 a échoué"),
        ("2 of 5 calls failed", "miito 2 kati ya 5 ilishindikana", "2 appels sur 5 ont échoué"),
    ],
    "days": [
        ("ends in 1 day", "inaisha baada ya siku 1", "expire dans 1 jour"),
        ("ends in 2 days", "inaisha baada ya siku 2", "expire dans 2 jours"),
    ],
    "messages": [
        (
            "1 message has an unknown outcome",
            "ujumbe 1 una matokeo yasiyojulikana",
            "1 message a une issue inconnue",
        ),
        (
            "2 messages have an unknown outcome",
            "ujumbe 2 una matokeo yasiyojulikana",
            "2 messages ont une issue inconnue",
        ),
    ],
}


def rejected_log_ins(container: Container, count: int) -> str:
    now = utc_now()
    rule = AlertRule(measure=Measure.REJECTED_LOG_INS, window_s=60, threshold=1)
    attempt = {"name_digest": "", "address": "192.0.2.7", "attempted_at": now}
    with container.database.writing() as session:
        session.add_all(LoginAttempt(**attempt) for _ in range(count))
        session.flush()
        (found,) = read(session, rule, now) or ()
    return found.detail


def of_a_minute(measure: Measure, calls: Rollup) -> str:
    rule = AlertRule(measure=measure, window_s=60, subject="", threshold=1, least_calls=1)
    now = utc_now()
    (found,) = of_calls(rule, Minutes({"": {now: calls}}), now)
    return found.detail


def days_of_a_certificate(path: Path, count: int) -> str:
    (found,) = certificate("edge", write_certificate(path / "edge.pem", days=count).read_bytes())
    return found.detail


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("kind", OF_ONE_AND_TWO)
def test_detail_of_one_and_of_two_is_in_the_right_form_in_each_language(
    container: Container, tmp_path: Path, kind: str, count: int
) -> None:
    said = {
        "log-ins": lambda: rejected_log_ins(container, count),
        "calls": lambda: of_a_minute(Measure.SILENCE, Rollup(count)),
        "failures": lambda: of_a_minute(Measure.FAILURES, Rollup(5, count)),
        "days": lambda: days_of_a_certificate(tmp_path, count),
        "messages": lambda: unknown_outcomes("notification", count).detail,
    }
    stored, swahili, french = OF_ONE_AND_TWO[kind][count - 1]

    assert said[kind]() == stored
    for language, expected in {"en": stored, "sw": swahili, "fr": french}.items():
        with speaking(language):
            assert DETAILS.gettext(stored) == expected


def test_detail_of_several_parts_is_read_part_by_part() -> None:
    stored = "answers; started again 3 times, last after exit code 1 at 2026-11-30T01:00:00Z"
    with speaking("fr"):
        assert DETAILS.gettext(stored) == (
            "répond; relancé 3 fois, la dernière après exit code 1 à 2026-11-30T01:00:00Z"
        )
        assert DETAILS.gettext("one; other") == "one; other"
