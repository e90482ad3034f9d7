"""What is stored of people and messages is sealed, found again, and turned over by `reseal`."""

from typing import Any

from common import sealing
from notification.container import Container
from notification.models import Base, ChannelCode
from notification.models.lookups import CODE_CHARS
from sqlalchemy import JSON, Enum, LargeBinary, String, Text, text

PLANTED = ("NID-4711", "+255754001234", "0754 001 234", "amina@example.org", "Mwakyusa", "claim-77")
SMS = ChannelCode.SMS


def at_rest(container: Container) -> str:
    """Every column of every table, as the database has it."""
    with container.database.reading() as session:
        return "\n".join(
            str(session.execute(text(f'SELECT * FROM "{table.name}"')).all())
            for table in Base.metadata.sorted_tables
        )


def plant(client: Any, api: Any) -> None:
    """A preference, messages over three channels with payload and key, and an address of nobody."""
    client.rule(SMS, ChannelCode.EMAIL, ChannelCode.IN_APP)
    for channel in (SMS, ChannelCode.EMAIL, ChannelCode.IN_APP):
        client.template(channel, "Dear {{ name }}", subject="For {{ name }}")
    client.prefers("NID-4711", preferred_lang="en")
    person = {
        "user_id": "NID-4711",
        "actor_type": "TEACHER",
        "to_phone": "0754 001 234",
        "to_email": "amina@example.org",
    }
    client.emit(
        person,
        context={"name": "Mwakyusa"},
        payload={"name": "Mwakyusa"},
        entity_id="claim-77",
        idempotency_key="NID-4711",
    )


def messages_of_them(api: Any) -> int:
    """How many messages the person has, by who they are."""
    asked = {"event_code": "LICENCE_ISSUED", "user_id": "NID-4711"}
    return len(api.get("explain/", **asked).get_json()["messages"])


def found(text_: str) -> list[str]:
    return [one for one in PLANTED if one in text_]


def test_nobody_is_in_a_copied_database_and_everybody_is_found(
    client: Any, api: Any, container: Container, app: Any
) -> None:
    plant(client, api)
    assert found(at_rest(container)) == []
    assert messages_of_them(api) == 3
    message = api.get("outbox/", channel="SMS").get_json()["data"][0]
    assert (message["to_phone"], message["payload"]["name"]) == ("+255754001234", "Mwakyusa")
    before = sorted(container.settings.seal_keys_folder.glob("*.key"))
    made = sealing.create_key(container.settings.seal_keys_folder)
    made.rename(made.with_name(f"9-{made.name}"))
    said = app.test_cli_runner().invoke(args=["reseal", "--pause", "0"]).output
    assert "All is under the newest key" in said, said
    for path in before:
        path.unlink()
    assert found(at_rest(container)) == []
    assert messages_of_them(api) == 3


#: Texts, documents and bytes that say nothing of a person: codes, our own words, settings.
IN_CLEAR = {
    "address_failure": {"reason"},
    "attachment": {"media_type"},
    "campaign": {"approved_by", "authors", "counts", "dry_run", "name", "reason", "templates"},
    "campaign_reach": {"digest"},
    "campaign_recipient": {"reason"},
    "delivery_log": {"error_message", "provider_message_id", "response_payload"},
    "delivery_part": {"provider_message_id", "reason"},
    "event_outbox": {"queue"},
    "in_app_message": {"entity_type"},
    "outbox": {"entity_type", "last_error", "reply_to", "sender_name"},
    "webhook": {"sealed_secret", "stopped_reason"},
    "way": {"reason"},
}
#: Tables that name nobody outside of the office.
OF_THE_OFFICE = {"audit_checkpoints", "audit_events", "audit_head", "event_catalog", "template"}


def test_every_column_is_sealed_or_says_nothing_of_a_person() -> None:
    for table in Base.metadata.sorted_tables:
        if table.name in OF_THE_OFFICE or table.name.startswith("lk_"):
            continue
        wide = {
            one.name
            for one in table.columns
            if isinstance(one.type, (Text, JSON, LargeBinary)) or _chars(one.type) > CODE_CHARS
        }
        kept = wide & IN_CLEAR.get(table.name, set())
        assert wide - kept == set(), table.name


def _chars(of: Any) -> int:
    return of.length or 0 if isinstance(of, String) and not isinstance(of, (Text, Enum)) else 0
