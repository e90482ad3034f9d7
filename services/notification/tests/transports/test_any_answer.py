"""Whatever a provider answers or reports, there is a result for it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from common.errors import DomainError
from hypothesis import given
from hypothesis import strategies as st
from notification.config import Settings
from notification.transports import Outcome, Result
from notification.transports.build import DIALECTS
from notification.transports.receipts import parse
from notification.transports.sms.dialect import Answer, judge
from notification.transports.sms.settings import SmsSettings

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NAMES = [
    "messages",
    "results",
    "SMSMessageData",
    "Recipients",
    "status",
    "statusCode",
    "groupName",
    "name",
    "code",
    "valid",
    "success",
    "messageId",
    "message_id",
    "request_id",
    "id",
    "reference",
    "Message",
    "error",
    "failureReason",
]
WORDS = ["REJECTED", "REJECTED_DND", "PENDING", "DELIVERED", "Success", "", "255712345678"]
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text()
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=20,
)
GIVEN: dict[str, Any] = {
    "url": "http://127.0.0.1:9",
    "username": "u",
    "api_key": "k",
    "secret_key": "s",
    "sys_id": "1",
    "service_id": "2",
    "sender_id": "S",
    "receipt_secret": "r",
}


@pytest.mark.parametrize("name", DIALECTS)
@given(status=st.integers(100, 599), body=JSON.map(lambda one: json.dumps(one).encode()))
def test_every_answer_means_something(name: str, status: int, body: bytes) -> None:
    dialect = DIALECTS[name](SmsSettings(name=name, **GIVEN))
    result = judge(dialect, Answer(status, {}, body), NOW)
    assert isinstance(result.outcome, Outcome)
    assert (result.error is None) == (result.outcome is Outcome.SENT)
    assert "255712345678" not in (result.error or "") + json.dumps(result.response)
    record = dialect.judge_record(status, json.loads(body))
    assert record is None or isinstance(record, Result)


@pytest.mark.parametrize("name", ["generic", "africastalking"])
@given(body=JSON.map(lambda one: json.dumps(one).encode()) | st.binary(max_size=50))
def test_every_report_is_read_or_refused(name: str, body: bytes) -> None:
    settings = Settings(var_dir=Path("var"), sms=(SmsSettings(name=name, **GIVEN),))
    try:
        receipts = parse(name, {"X-Receipt-Secret": "r"}, body, settings)
    except DomainError:
        return
    assert all(one.provider_message_id or one.reference for one in receipts)
