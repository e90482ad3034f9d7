"""Does in openIMIS what a test asks for: a line of JSON in, a line of JSON out."""

import contextlib
import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openIMIS.settings")
OUT, sys.stdout = sys.stdout, sys.stderr
django.setup()

from core.models import Language, User  # noqa: E402
from core.test_helpers import create_test_interactive_user, create_test_officer  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from insuree.models import Family, Gender, Insuree  # noqa: E402
from location.models import Location  # noqa: E402
from openIMIS.schema import schema  # noqa: E402
from policy.models import Policy  # noqa: E402
from policy.services import update_renewals  # noqa: E402
from product.test_helpers import create_test_product  # noqa: E402

ACTS: dict[str, Callable[..., Any]] = {}


def act(function: Callable[..., Any]) -> Callable[..., Any]:
    """Can be asked for by name."""
    ACTS[function.__name__] = function
    return function


@act
def found() -> dict[str, Any]:
    """A scheme: languages, a user, places, a product and an officer."""
    for order, (code, name) in enumerate((("en", "English"), ("fr", "French"), ("sw", "Swahili"))):
        Language.objects.get_or_create(code=code, defaults={"name": name, "sort_order": order})
    Gender.objects.get_or_create(code="F", defaults={"gender": "Female"})
    user = create_test_interactive_user(username="clerk")
    up = None
    for type_ in "RDWV":
        up = Location.objects.create(
            code=f"{type_}1", name=f"Name {type_}1", type=type_, parent=up, audit_user_id=-1
        )
    product = create_test_product("CHF01", custom_props={"name": "CHF"})
    officer = create_test_officer(custom_props={"code": "O1"}, villages=[up])
    return {
        "user": str(user.id),
        "village": up.id,
        "village_uuid": str(up.uuid),
        "region_uuid": str(up.parent.parent.parent.uuid),
        "product": product.id,
        "officer": officer.id,
    }


@act
def graphql(query: str, user: str = "clerk") -> Any:
    """What a query or mutation answers to a user."""
    found = User.objects.get(username=user)
    context = SimpleNamespace(user=found, META={}, headers={}, session={}, method="POST")
    done = schema.execute(query, context=context)
    if done.errors:
        return {"errors": [str(one) for one in done.errors]}
    return json.loads(json.dumps(done.data))


@act
def statuses() -> list[Any]:
    """What became of the latest mutations: 2 is success."""
    from core.models import MutationLog

    latest = MutationLog.objects.order_by("-request_date_time")[:5]
    return [[one.status, one.error] for one in latest]


@act
def families() -> list[dict[str, Any]]:
    """The families, without history."""
    rows = Family.objects.filter(legacy_id__isnull=True).order_by("id")
    return [{"id": one.id, "uuid": str(one.uuid), "head": one.head_insuree_id} for one in rows]


@act
def policies() -> list[dict[str, Any]]:
    """The policies, without history."""
    rows = Policy.objects.filter(legacy_id__isnull=True).order_by("id")
    return [{"id": one.id, "uuid": str(one.uuid), "status": one.status} for one in rows]


@act
def expire() -> int:
    """openIMIS's own nightly task: a plain `QuerySet.update`."""
    return int(update_renewals())


@act
def backdate(policy: int, days: int) -> None:
    """Move a policy's dates into the past, by SQL of somebody else's."""
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE "tblPolicy" SET "ExpiryDate" = CURRENT_DATE - %s WHERE "PolicyID" = %s',
            [days, policy],
        )


@act
def activate(policy: int) -> None:
    """As when it was paid; in bulk, as calculation rules do."""
    found = Policy.objects.get(id=policy)
    found.status, found.effective_date = Policy.STATUS_ACTIVE, found.start_date
    Policy.objects.bulk_update([found], ["status", "effective_date"])


@act
def roll_back(family: str) -> None:
    """A change that does not come about."""
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        Insuree.objects.filter(family__uuid=family).update(last_name="Nobody")
        raise ZeroDivisionError


@act
def outbox() -> list[list[Any]]:
    """The outbox: kind, key, why it was not taken."""
    from kiungo.models import OutboxEntry

    return [[one.kind, one.key, one.rejected] for one in OutboxEntry.objects.order_by("id")]


@act
def note(kind: str, key: int) -> None:
    """An entry for a row, as the triggers make them."""
    from django.utils import timezone
    from kiungo.models import OutboxEntry

    OutboxEntry.objects.create(kind=kind, key=key, noted_at=timezone.now())


@act
def command(*words: str) -> str:
    """What a command of `manage.py` says; its exit with 1 is said as well."""
    from io import StringIO

    said = StringIO()
    try:
        call_command(*words, stdout=said, stderr=said)
    except SystemExit as exc:
        said.write(f"exit {exc.code}")
    return said.getvalue()


@act
def records(kind: str) -> list[dict[str, Any]]:
    """All rows of a kind as the module forwards them."""
    from kiungo.kinds import KINDS

    rows = KINDS[kind].current().values_list("pk", flat=True)
    return [record for _, record in KINDS[kind].records(list(rows))]


@act
def get(path: str, user: str | None = "clerk") -> list[Any]:
    """Status and body of a page, as a user who signed in sees it."""
    client = Client()
    if user:
        client.force_login(
            User.objects.get(username=user), backend="django.contrib.auth.backends.ModelBackend"
        )
    answer = client.get(path)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return [answer.status_code, body.decode("latin-1")[:2000]]


@act
def prepare_notifying(config: dict[str, Any]) -> None:
    """openIMIS's own module with this configuration; it sends to nobody, and remembers.

    `tblFamilySMS` is made here: that module expects it in the dump that openIMIS begins with.
    """
    from policy_notification import notification_dispatcher, tasks
    from policy_notification.apps import PolicyNotificationConfig
    from policy_notification.notification_client import PolicyNotificationClient
    from policy_notification.notification_gateways.abstract_sms_gateway import (
        NotificationSendingResult,
    )

    with connection.cursor() as cursor:
        cursor.execute(
            'CREATE TABLE "tblFamilySMS" ("FamilyID" integer PRIMARY KEY, "ApprovalOfSMS" boolean, '
            '"LanguageOfSMS" varchar(5), "ValidityFrom" timestamptz, "ValidityTo" timestamptz)'
        )
    for name, value in config.items():
        setattr(PolicyNotificationConfig, name, value)
    # It calls `policy_values` as that was; the newest `policy` wants a user as well.
    notification_dispatcher.policy_values = lambda policy, *_: [policy]

    class Silent:
        """A provider that takes everything."""

        def send_notification(self, _content: str, family_number: Any = None) -> Any:
            return NotificationSendingResult(gateway_output=family_number)

    send = PolicyNotificationClient.send_notification_from_template

    def remember(self: Any, policy: Policy, template: str, customs: Any) -> Any:
        done = send(self, policy, template, customs)
        if done:
            SENT.append([str(policy.uuid), template.rpartition(".sms_")[2]])
        return done

    PolicyNotificationClient.send_notification_from_template = remember
    tasks.get_notification_providers = lambda: [Silent]


SENT: list[list[str]] = []


@act
def notifying_day(moment: str, changes: list[dict[str, Any]]) -> list[list[str]]:
    """A day: what happens to families and policies, the nightly expiry, openIMIS's own task.

    Returns the policies with the texts that were sent about them.
    """
    import time_machine
    from policy_notification.tasks import send_notification_messages

    SENT.clear()
    with time_machine.travel(datetime.fromisoformat(moment), tick=False):
        for change in changes:
            _CHANGES[change.pop("what")](**change)
        update_renewals()
        send_notification_messages()
    return list(SENT)


def _enter_family(
    name: str, phones: list[str | None], approval: bool | None, since: str, village: int
) -> None:
    began = datetime.fromisoformat(since)
    people = [
        Insuree.objects.create(
            chf_id=f"{name}{at}",
            last_name="Mushi",
            other_names=f"Asha{at}",
            phone=phone,
            head=at == 0,
            validity_from=began,
            audit_user_id=-1,
        )
        for at, phone in enumerate(phones)
    ]
    family = Family.objects.create(
        head_insuree=people[0], location_id=village, validity_from=began, audit_user_id=-1
    )
    Insuree.objects.filter(id__in=[one.id for one in people]).update(family=family)
    if approval is not None:
        with connection.cursor() as cursor:
            cursor.execute(
                'INSERT INTO "tblFamilySMS" VALUES (%s, %s, %s, %s, NULL)',
                [family.id, approval, "en", began],
            )


def _enter_policy(
    uuid: str, family: str, product: int, officer: int, since: str, **values: Any
) -> None:
    Policy.objects.create(
        uuid=uuid,
        family=Family.objects.get(head_insuree__chf_id=f"{family}0", legacy_id__isnull=True),
        product_id=product,
        officer_id=officer,
        value=30000,
        validity_from=datetime.fromisoformat(since),
        audit_user_id=-1,
        **values,
    )


def _change_policy(uuid: str, **values: Any) -> None:
    """As openIMIS does: the row as it was is kept under another key."""
    policy = Policy.objects.get(uuid=uuid)
    policy.save_history()
    for name, value in values.items():
        setattr(policy, name, value)
    policy.validity_from = datetime.now()  # noqa: DTZ005 - the server's own time
    policy.save()


_CHANGES: dict[str, Callable[..., None]] = {
    "family": _enter_family,
    "policy": _enter_policy,
    "change": _change_policy,
}


def _plain(value: Any) -> Any:
    return str(value)


for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = {"said": ACTS[asked["do"]](*asked.get("with", []), **asked.get("by", {}))}
    except Exception as exc:  # noqa: BLE001 - the test is told
        answer = {"failed": f"{type(exc).__name__}: {exc}"}
    OUT.write(json.dumps(answer, default=_plain) + "\n")
    OUT.flush()
