"""Policy notification through nginx: records and mutations in, a run, messages, the report."""

import csv
import io
import json
import uuid

import pytest
from openpyxl import load_workbook
from policy_scheme import PREFIX, Scheme
from pypdf import PdfReader

WORDS = {"en": "Dear Asha Mushi", "fr": "Bonjour Asha Mushi", "sw": "Ndugu Asha Mushi"}


@pytest.fixture
def scheme(hub) -> Scheme:
    """A scheme of this test's own."""
    return Scheme(hub).found()


def test_family_that_consented_is_told_once_in_its_language_when_its_policy_expires(hub, scheme):
    families = {}
    for at, language in enumerate(WORDS):
        families[language] = scheme.expiring(f"+25571100000{at}")
        scheme.consent(families[language]["chf_id"], language)
    silent = scheme.expiring("+255711000009")

    for _ in range(2):
        run = scheme.run()

    assert run["summary"]["sent"] == 0
    for at, (language, words) in enumerate(WORDS.items()):
        (attempt,) = scheme.attempts(families[language]["policy"])
        assert (attempt["status"], attempt["language"]) == (1, language)
        assert attempt["message"].startswith(words)
        folder = hub.stack.installation.var_dir / "sent_notification"
        texts = [path.read_text() for path in folder.glob("SMSMessage_*.txt")]
        assert texts.count(f"To: +25571100000{at}\n\n{attempt['message']}\n") == 1
    (refused,) = scheme.attempts(silent["policy"])
    assert (refused["status"], refused["reason"]) == (2, "The family has denied notifications")


def test_payment_is_said_once_to_who_pays(hub, scheme, eventually):
    made = scheme.expiring("+255711000031")
    scheme.consent(made["chf_id"], "sw")
    report = {
        "uuid": str(uuid.uuid4()),
        "event": "control_number_assigned",
        "policies": [made["policy"]],
        "control_number": "991234567890",
        "requested_at": "2026-05-01T09:30:00",
        "expected_amount": "30000",
    }
    for status in (202, 200):
        assert scheme.ask("POST", "payments/", json=report).status_code == status
    path = f"payments/{report['uuid']}/"
    sent = eventually(
        lambda: (one := scheme.ask("GET", path).json())["delivery"] == "ended" and one
    )
    assert (sent["status"], sent["recipient"], sent["language"]) == (1, "+255711000031", "sw")
    assert "991234567890" in sent["message"]
    folder = hub.stack.installation.var_dir / "sent_notification"
    texts = [path.read_text() for path in folder.glob("SMSMessage_*.txt")]
    assert texts.count(f"To: +255711000031\n\n{sent['message']}\n") == 1


def test_report_comes_in_five_formats(scheme):
    made = scheme.expiring("+255711000011")
    scheme.consent(made["chf_id"], "sw")
    answers = {}
    for name in ("json", "csv", "xlsx", "pdf", "html"):
        query = {"regionUuid": scheme.region, "format": name}
        answer = scheme.ask("GET", "communication_by_notification_report/", params=query)
        assert answer.status_code == 200, answer.text
        answers[name] = answer.content

    (row,) = json.loads(answers["json"])["data"]
    assert (row["chf_id"], row["district"]) == (made["chf_id"], "D1 Chamwino")
    rows = list(csv.reader(io.StringIO(answers["csv"].decode("utf-8-sig"))))
    assert rows[-1][3] == made["chf_id"]
    sheet = load_workbook(io.BytesIO(answers["xlsx"])).active
    assert sheet.cell(sheet.max_row, 4).value == made["chf_id"]
    page = PdfReader(io.BytesIO(answers["pdf"])).pages[0].extract_text()
    assert made["chf_id"] in page
    assert "Page 1 of" in page
    assert made["chf_id"] in answers["html"].decode()


def test_token_is_asked_for(hub):
    answer = hub.session.get(f"{hub.url}{PREFIX}/families/", timeout=10)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_service_may_emit_with_the_client_that_it_was_given_and_nothing_else(hub):
    secret = (hub.stack.installation.var_dir / "keys" / "policy-notify-client-secret").read_text()
    answer = hub.session.post(
        f"{hub.url}/oauth/token",
        auth=("policy-notify", secret.strip()),
        data={"grant_type": "client_credentials"},
        timeout=10,
    )
    assert answer.json()["scope"] == "notification:emit"


def test_documents_are_published(hub):
    answer = hub.session.get(f"{hub.url}/api/docs/policy-notify/openapi.json", timeout=10)
    assert answer.status_code == 200
    assert f"{PREFIX}/mutations/" in answer.json()["paths"]


def test_dry_run_says_who_would_get_what(hub, scheme):
    made = scheme.expiring("+255711000031")
    scheme.consent(made["chf_id"], "fr")
    printed = hub.stack.flask(
        "policy_notify", "run-triggers", "--date", str(scheme.today), "--dry-run"
    )
    about = f"expiration_of_policy\t{made['policy']}"
    (line,) = [line for line in printed.splitlines() if line.startswith(about)]
    assert "to +255711000031\tfr\t1 x GSM-7\tBonjour Asha Mushi" in line
    assert scheme.attempts(made["policy"]) == []
