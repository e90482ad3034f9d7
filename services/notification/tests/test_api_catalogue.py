"""Events, rules and templates over the API: made, changed, taken out of use, listed."""

import uuid
from typing import Any

import pytest
from notification.models import ChannelCode

SMS, EMAIL, IN_APP = ChannelCode.SMS, ChannelCode.EMAIL, ChannelCode.IN_APP


def an_event(**changes: Any) -> dict[str, Any]:
    return {"code": "POLICY_EXPIRES", "module": "POLICY", **changes}


def a_template(**changes: Any) -> dict[str, Any]:
    given = {"event_code": "LICENCE_ISSUED", "channel": "SMS", "language": "en", "body": "Hello"}
    return {**given, **changes}


def codes(answer: Any) -> list[str]:
    return sorted(one["code"] for one in answer.get_json()["data"])


# Events


def test_event_is_made_read_changed_and_taken_out_of_use(api: Any, client: Any) -> None:
    made = api.post("events/", an_event())
    assert made.status_code == 201
    assert made.headers["Location"] == "/api/notification/events/POLICY_EXPIRES/"
    assert api.get("events/POLICY_EXPIRES/").get_json() == made.get_json()
    assert made.get_json()["when_unknown"] == "hold"

    changes = {"description": "Soon over", "when_unknown": "resend", "is_active": False}
    changed = api.patch("events/POLICY_EXPIRES/", changes)

    assert changed.status_code == 200
    assert changed.get_json()["data"] == {
        **made.get_json()["data"],
        **changes,
        "updated_at": changed.get_json()["updated_at"],
        "etag": '"2"',
    }
    client.emit("anna", event_code="POLICY_EXPIRES", status=404)


def test_events_are_listed_by_module_and_activity(api: Any) -> None:
    api.patch("events/PAYMENT_CONFIRMED/", {"is_active": False})

    payments = ["PAYMENT_CONFIRMED", "PAYMENT_INVOICE_GENERATED"]
    assert codes(api.get("events/", module="PAYMENT")) == payments
    assert codes(api.get("events/", module="PAYMENT", active="true")) == payments[1:]
    assert codes(api.get("events/", active="false")) == payments[:1]


def test_event_of_a_taken_code_is_409(api: Any) -> None:
    answer = api.post("events/", an_event(code="LICENCE_ISSUED"))

    assert answer.status_code == 409
    assert list(answer.get_json()["errors"]) == ["code"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "A B"),
        ("code", ""),
        ("module", "NOBODY"),
        ("when_unknown", "panic"),
        ("context_schema", {"type": "colour"}),
        ("context_schema", {"$ref": "https://example.org/schema"}),
        ("is_active", "true"),
    ],
)
def test_event_of_nonsense_is_refused_by_its_field(api: Any, field: str, value: Any) -> None:
    answer = api.post("events/", an_event(**{field: value}))

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]


def test_code_of_an_event_stays(api: Any) -> None:
    assert api.patch("events/LICENCE_ISSUED/", {"code": "OTHER"}).status_code == 422


def test_context_schema_can_be_taken_away(api: Any) -> None:
    path = "events/LICENCE_ISSUED/"
    assert api.patch(path, {"context_schema": {"type": "object"}}).status_code == 200

    assert api.patch(path, {"context_schema": None}).get_json()["context_schema"] is None


# Rules


def test_rule_is_made_changed_and_taken_out_of_use(api: Any, client: Any) -> None:
    given = {"event_code": "LICENCE_ISSUED", "channels": ["IN_APP", "SMS"], "priority": "HIGH"}
    made = api.post("rules/", {**given, "recipient_policy": "ALL"})
    assert made.status_code == 201
    rule = made.get_json()
    path = f"rules/{rule['id']}/"
    assert made.headers["Location"] == f"/api/notification/{path}"
    assert api.get(path).get_json() == rule
    assert (rule["recipient_policy"], rule["is_active"]) == ("ALL", True)

    changed = api.patch(path, {"channels": ["EMAIL", "IN_APP"], "recipient_policy": "STAFF"})
    assert changed.get_json()["channels"] == ["EMAIL", "IN_APP"]
    assert api.get(path).get_json() == changed.get_json()

    api.patch(path, {"is_active": False})
    assert client.emit("anna", status=200)["reason"] == "no_active_rule"


def test_rules_are_listed_by_event_and_activity(api: Any, client: Any) -> None:
    active = client.rule(SMS)
    client.rule(SMS, is_active=False)
    client.rule(SMS, event_code="LICENCE_EXPIRING_SOON")

    found = api.get("rules/", event_code="LICENCE_ISSUED", active="true").get_json()

    assert [one["id"] for one in found["data"]] == [str(active)]
    assert api.get("rules/", event_code="LICENCE_ISSUED").get_json()["count"] == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_code", "NOBODY_KNOWS"),
        ("recipient_policy", "MARTIAN"),
        ("recipient_policy", ""),
        ("recipient_policy", None),
        ("priority", "URGENT"),
        ("channels", ["FAX"]),
        ("channels", ["SMS"] * 5),
        ("channels", "SMS"),
    ],
)
def test_rule_of_nonsense_is_refused_by_its_field(api: Any, field: str, value: Any) -> None:
    given = {"event_code": "LICENCE_ISSUED", "recipient_policy": "ALL", "channels": []}
    answer = api.post("rules/", {**given, field: value})

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]


def test_channel_that_is_named_twice_counts_once(api: Any) -> None:
    given = {"event_code": "LICENCE_ISSUED", "recipient_policy": "ALL"}
    assert api.post("rules/", {**given, "channels": ["SMS", "SMS"]}).get_json()["channels"] == [
        "SMS"
    ]


# Templates


def test_changed_template_is_a_new_version_that_takes_its_place(api: Any, client: Any) -> None:
    client.rule(SMS)
    first = api.post("templates/", a_template(body="One")).get_json()["data"]
    message = client.emit("anna")["queued_outbox_ids"][0]

    changed = api.patch(f"templates/{first['id']}/", {"body": "Two"})

    second = changed.get_json()
    assert changed.status_code == 200
    assert (second["version"], second["body"], second["is_active"]) == (2, "Two", True)
    assert second["id"] != first["id"]
    former = {**first, "is_active": False, "etag": '"2"'}
    assert api.get(f"templates/{first['id']}/").get_json()["data"] == former
    client.emit("ben")
    assert [(one.body, one.template_version) for one in client.queued()] == [("One", 1), ("Two", 2)]
    assert api.get(f"outbox/{message}/").get_json()["template_id"] == first["id"]


def test_same_event_channel_and_language_again_is_the_next_version(api: Any) -> None:
    versions = [api.post("templates/", a_template()).get_json()["version"] for _ in range(3)]

    assert versions == [1, 2, 3]
    assert api.post("templates/", a_template(language="SW")).get_json()["version"] == 1
    found = api.get("templates/", active="true").get_json()["data"]
    assert [(one["language"], one["version"]) for one in found] == [("sw", 1), ("en", 3)]


def test_template_is_taken_out_of_use_in_place(api: Any, client: Any) -> None:
    client.rule(SMS)
    made = api.post("templates/", a_template()).get_json()["data"]

    changed = api.patch(f"templates/{made['id']}/", {"is_active": False}).get_json()["data"]

    assert changed == {**made, "is_active": False, "etag": '"2"'}
    assert client.emit("anna")["queued_count"] == 0


def test_draft_leaves_the_version_in_use(api: Any, client: Any) -> None:
    client.rule(SMS)
    api.post("templates/", a_template(body="In use"))
    api.post("templates/", a_template(body="Draft", is_active=False))

    client.emit("anna")

    assert [one.body for one in client.queued()] == ["In use"]


def test_templates_are_listed_by_each_of_their_marks(api: Any, client: Any) -> None:
    for channel in ChannelCode:
        for language in ("en", "sw"):
            client.template(channel, language=language)
    client.template(SMS, event_code="LICENCE_EXPIRING_SOON", is_active=False)

    def count(**query: str) -> int:
        found: int = api.get("templates/", **query).get_json()["count"]
        return found

    assert count() == 9
    assert count(channel="SMS") == 3
    assert count(channel="SMS", event_code="LICENCE_ISSUED") == 2
    assert count(language="EN", active="true") == 4
    assert count(event_code="NOBODY_KNOWS") == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_code", "NOBODY_KNOWS"),
        ("channel", "FAX"),
        ("language", "english please"),
        ("subject", "Two\r\nlines"),
        ("subject", "x" * 1_001),
        ("subject", "{"),
        ("body", ""),
        ("body", "x" * 1_000_000),
        ("body", "{a!r:>999999}"),
        ("body", "{{name}"),
        ("body", "\x00"),
    ],
)
def test_template_of_nonsense_is_refused_by_its_field(api: Any, field: str, value: Any) -> None:
    answer = api.post("templates/", a_template(**{field: value}))

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]
    assert api.get("templates/").get_json()["count"] == 0


def test_template_without_its_event_is_not_read(api: Any) -> None:
    assert api.get(f"templates/{uuid.uuid4()}/").status_code == 404
    assert api.patch(f"templates/{uuid.uuid4()}/", {"body": "x"}).status_code == 404


# Preview


def test_preview_fills_counts_and_names_what_is_missing(api: Any) -> None:
    answer = api.post(
        "templates/preview/",
        {
            "subject": "For {name}",
            "body": "{name}, you owe {due.amount} {currency} ž",
            "context": {"name": "Anna", "currency": "TZS"},
        },
    )

    assert answer.get_json()["data"] == {
        "subject": "For Anna",
        "body": "Anna, you owe {due.amount} TZS ž",
        "placeholders": ["name", "due.amount", "currency"],
        "missing": ["due.amount"],
        "rejection": "Missing placeholder: due.amount",
        "sms": {"encoding": "UCS-2", "segments": 1, "foreign": "ž"},
        "replaced": "",
        "sms_if_plain": None,
        "costs": [],
        "html": None,
    }


def test_preview_of_a_stored_template(api: Any) -> None:
    words = {
        "event_code": "LICENCE_ISSUED",
        "channel": EMAIL,
        "language": "en",
        "body": "Dear {name}",
    }
    template = api.post("templates/", words).get_json()["id"]

    answer = api.post(
        "templates/preview/", {"template_id": template, "context": {"name": "Anna"}}
    ).get_json()

    assert (answer["body"], answer["rejection"], answer["sms"]) == ("Dear Anna", None, None)


@pytest.mark.parametrize(
    ("body", "segments"), [("a" * 160, 1), ("a" * 161, 2), ("€" * 81, 2), ("ж" * 71, 2)]
)
def test_preview_counts_segments(api: Any, body: str, segments: int) -> None:
    answer = api.post("templates/preview/", {"body": body}).get_json()

    assert answer["sms"]["segments"] == segments


def test_preview_says_why_words_cannot_be_stored(api: Any) -> None:
    answer = api.post("templates/preview/", {"body": "{a!r:>999999}", "context": {"a": 1}})

    assert answer.get_json()["rejection"] == (
        "{a!r:>999999} is no placeholder: write {name} or {order.total}."
    )


def test_preview_of_words_that_grow_beyond_measure_is_cut(api: Any) -> None:
    words = {"body": "{a}" * 30_000, "context": {"a": "x" * 60_000}}

    answer = api.post("templates/preview/", words).get_json()

    assert answer["rejection"] == "Longer than 1000 (subject) or 100000 characters"
    assert len(answer["body"]) < 200_000


def test_preview_needs_a_template_or_words_and_not_both(api: Any, client: Any) -> None:
    template = str(client.template(SMS))
    for body in ({}, {"template_id": template, "body": "x"}):
        assert api.post("templates/preview/", body).status_code == 422
    assert api.post("templates/preview/", {"template_id": str(uuid.uuid4())}).status_code == 404
