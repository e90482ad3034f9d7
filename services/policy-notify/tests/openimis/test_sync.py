# ruff: noqa: DTZ001 - openIMIS keeps times without a zone
"""openIMIS's database is read into ours: a schema of its shape on real PostgreSQL, both of ours."""

import re
import signal
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from flask import Flask
from policy_notify.container import Container
from policy_notify.errors import BadSource, SourceAway
from policy_notify.intake.reading import reading_of
from policy_notify.models import (
    Family,
    FamilyConsent,
    Indication,
    IndicationDetails,
    Insuree,
    Location,
    NotificationType,
    Policy,
    PolicyStatus,
    SyncProgress,
)
from policy_notify.models.indications import SETTLED
from policy_notify.openimis.connection import open_source, reading
from policy_notify.openimis.queries import SOURCES, Source, failed_attempts
from policy_notify.openimis.sync import Counts, Sync
from sqlalchemy import Select, func, select
from sqlalchemy.exc import InternalError

T = NotificationType
LONG_AGO = datetime(2026, 1, 2, 8, 0)
#: What a connection to SQL Server would speak, with its own driver.
SQL_SERVER = open_source("mssql://reader:secret@127.0.0.1/openimis").dialect
#: The public demonstration database's shape.
FAMILIES, INSUREES, POLICIES = 25, 69, 34


def sync(container: Container, openimis: Any, **options: Any) -> Sync:
    return Sync(
        open_source(openimis.url), container.database, reading_of(container.settings), **options
    )


def read(container: Container, openimis: Any, since: datetime | None = None) -> dict[str, Counts]:
    counted = sync(container, openimis).run(since)
    assert counted is not None
    return {one.kind: one for one in counted}


def count(container: Container, model: Any, *criteria: Any) -> int:
    with container.database.reading() as session:
        query = select(func.count()).select_from(model).where(*criteria)
        return session.scalar(query) or 0


def test_everything_comes_with_none_rejected_waiting_or_missing(
    container: Container, openimis: Any
) -> None:
    counted = read(container, openimis)

    found = {kind: (one.read, one.changed) for kind, one in counted.items()}
    assert found == {
        "locations": (4, 4),
        "officers": (1, 1),
        "products": (1, 1),
        "families": (FAMILIES, FAMILIES),
        "insurees": (INSUREES, INSUREES),
        "policies": (POLICIES, POLICIES),
        "consents": (FAMILIES, FAMILIES),
        "indications": (0, 0),
    }
    for one in counted.values():
        assert (one.rejected.total(), one.waiting, one.missing or 0) == (0, 0, 0), one
    assert count(container, Location, Location.parent.is_(None)) == 1
    assert count(container, Insuree, Insuree.phone == "n/a", Insuree.number.is_(None)) == 5
    assert count(container, Policy, Policy.status == PolicyStatus.ACTIVE) == POLICIES


def test_second_pass_changes_nothing_and_leaves_the_source_as_it_was(
    container: Container, openimis: Any
) -> None:
    read(container, openimis)
    counted = read(container, openimis)
    assert {one.changed for one in counted.values()} == {0}
    source = open_source(openimis.url)
    with pytest.raises(InternalError, match="read-only"), reading(source) as connection:
        connection.exec_driver_sql('DELETE FROM "tblPolicy"')
    source.dispose()


def test_changes_since_a_moment_are_read_alone(container: Container, openimis: Any) -> None:
    read(container, openimis)
    later = datetime(2026, 5, 10, 9, 0)
    openimis.change(
        'UPDATE "tblPolicy" SET "PolicyStatus" = 8, "ValidityFrom" = %s WHERE "PolicyID" = %s',
        later,
        openimis.policies[0],
    )
    openimis.change(
        'UPDATE "tblFamilies" SET "ValidityTo" = %s WHERE "FamilyID" = %s',
        later,
        openimis.families[3],
    )
    zone = container.settings.scheme_timezone

    counted = read(container, openimis, later.replace(tzinfo=zone))

    found = {kind: (one.read, one.changed) for kind, one in counted.items() if one.read}
    assert found == {"families": (1, 1), "policies": (1, 1)}
    assert count(container, Policy, Policy.status == PolicyStatus.EXPIRED) == 1
    assert count(container, Family, Family.validity_to == later.replace(tzinfo=zone)) == 1


def test_pass_that_was_interrupted_goes_on_where_it_stopped(
    container: Container, openimis: Any
) -> None:
    reader = sync(container, openimis, batch=10)
    seen: list[str] = []

    def stopping() -> bool:
        return len(seen) == 6

    assert (
        reader.run(progress=lambda counts: seen.append(counts.kind), is_stopping=stopping) is None
    )
    stored = count(container, Family) + count(container, Insuree)
    counted = reader.run()

    assert counted is not None
    read_later = {one.kind: one.read for one in counted}
    assert stored + read_later["families"] + read_later["insurees"] == FAMILIES + INSUREES
    assert read_later["locations"] == 0
    assert (count(container, Insuree), count(container, Policy)) == (INSUREES, POLICIES)
    assert count(container, SyncProgress, SyncProgress.ended_at.is_(None)) == 0


def test_changes_are_found_where_openimis_keeps_moments(
    container: Container, openimis: Any
) -> None:
    """Newer openIMIS on PostgreSQL: `timestamptz`, and a server whose own zone is another one."""
    for table in ("tblPolicy", "tblIndicationOfPolicyNotifications"):
        columns = openimis.columns(table, "timestamp without time zone")
        for column in columns:
            openimis.change(f'ALTER TABLE "{table}" ALTER "{column}" TYPE timestamptz')
    read(container, openimis)
    moment = datetime(2026, 5, 10, 9, 0, tzinfo=container.settings.scheme_timezone)
    openimis.change('UPDATE "tblPolicy" SET "ValidityFrom" = %s', moment - timedelta(hours=1))
    openimis.change(
        'UPDATE "tblPolicy" SET "ValidityFrom" = %s, "PolicyStatus" = 4 WHERE "PolicyID" = 1',
        moment + timedelta(minutes=1),
    )
    never = "0001-01-01 00:00:00+02:27:16"
    openimis.change(
        'INSERT INTO "tblIndicationOfPolicyNotifications" ("PolicyID", "ValidityFrom", '
        '"NotificationOnActivationSent") VALUES (1, %s, %s)',
        moment + timedelta(minutes=1),
        never,
    )

    counted = read(container, openimis, moment)

    assert (counted["policies"].read, counted["policies"].changed) == (1, 1)
    assert (counted["indications"].read, counted["indications"].rejected.total()) == (1, 0)
    assert count(container, Indication, Indication.activation_of_policy == SETTLED) == 1


def test_dry_run_counts_and_keeps_nothing(container: Container, openimis: Any) -> None:
    counted = sync(container, openimis, is_dry=True).run()
    assert counted is not None
    assert sum(one.changed for one in counted) == 4 + 2 + 2 * FAMILIES + INSUREES + POLICIES
    assert [count(container, one) for one in (Location, Family, Policy, FamilyConsent)] == [0] * 4
    assert count(container, SyncProgress) == 0


def test_bad_rows_are_counted_by_their_reasons_and_the_others_stored(
    container: Container, openimis: Any
) -> None:
    first, second, third = openimis.policies[:3]
    update = 'UPDATE "tblPolicy" SET {} WHERE "PolicyID" = %s'
    openimis.change(update.format('"PolicyStatus" = 3'), first)
    openimis.change(update.format("\"ExpiryDate\" = '2082-05-31'"), second)
    openimis.change(update.format('"ProdID" = 999'), third)

    counted = read(container, openimis)["policies"]

    assert counted.rejected == {
        "PolicyStatus is not 1, 2, 4, 8 or 16": 1,
        f"expiry_date is not a day from 1900 to {utc_now().year + 30}": 1,
        "product points at nothing": 1,
    }
    assert count(container, Policy) == POLICIES - 3


def test_what_openimis_no_longer_has_is_counted_as_missing(
    container: Container, openimis: Any
) -> None:
    read(container, openimis)
    gone, bad = openimis.policies[:2]
    openimis.change('DELETE FROM "tblPolicy" WHERE "PolicyID" = %s', gone)
    openimis.change('UPDATE "tblPolicy" SET "PolicyStatus" = 3 WHERE "PolicyID" = %s', bad)
    stopped: list[str] = []
    dry = sync(container, openimis, is_dry=True).run()

    def stopping() -> bool:
        return stopped[-1:] == ["policies"]

    reader = sync(container, openimis, batch=10)
    assert reader.run(progress=lambda one: stopped.append(one.kind), is_stopping=stopping) is None
    for counted in (dry, reader.run()):
        assert {one.kind: one.missing for one in counted or () if one.missing} == {"policies": 1}


def test_what_openimis_told_counts_as_told_and_what_failed_there_is_tried_here(
    scheme: Any, runs: Any, provider: Any, container: Container, openimis: Any, today: date
) -> None:
    """A week that was half told: a half of those that are due today, and one could not be sent."""
    due, notified, failed, denied = (
        openimis.policies[:8],
        *(openimis.policies[at] for at in (1, 2, 3)),
    )
    openimis.change(
        'UPDATE "tblPolicy" SET "ExpiryDate" = %s WHERE "PolicyID" = ANY(%s)', today, due
    )
    never = datetime(1, 1, 1)
    edited = datetime.combine(today, datetime.min.time())
    openimis.change('UPDATE "tblPolicy" SET "ValidityFrom" = %s WHERE "LegacyID" IS NULL', edited)
    for policy in openimis.policies:
        expiration = {notified: LONG_AGO, failed: never, denied: never}.get(policy)
        openimis.add(
            "tblIndicationOfPolicyNotifications",
            "PolicyID",
            PolicyID=policy,
            NotificationOnActivationSent=never if policy % 2 else LONG_AGO,
            NotificationOnExpirationSent=expiration,
        )
    for policy, status in ((failed, 4), (denied, 2)):
        openimis.add(
            "tblIndicationOfPolicyNotificationsDetails",
            "id",
            indicationID=policy,
            notification_type="expiration_of_policy",
            Status=status,
        )

    counted = read(container, openimis)
    assert counted["indications"].changed == POLICIES
    runs.on(today, provider)
    runs.on(today, provider)

    assert {one.type for one in provider.taken} == {T.EXPIRATION}
    keys = dict(
        openimis.connection.execute('SELECT "PolicyUUID", "PolicyID" FROM "tblPolicy"').fetchall()
    )
    notified_here = sorted(keys[str(one.policy)] for one in provider.taken)
    assert notified_here == sorted(set(due) - {notified, denied})
    assert count(container, IndicationDetails, IndicationDetails.type == T.ACTIVATION) == 0
    read(container, openimis)
    assert count(container, Indication, Indication.expiration_of_policy.is_not(None)) == 8


def test_installation_without_the_notification_module_is_read_as_well(
    container: Container, openimis: Any
) -> None:
    for table in ("tblFamilySMS", "tblIndicationOfPolicyNotifications"):
        openimis.change(f'DROP TABLE "{table}"')
    counted = read(container, openimis)
    assert [kind for kind, one in counted.items() if one.is_absent] == ["consents", "indications"]
    assert counted["policies"].read == POLICIES
    again = read(container, openimis)
    assert (again["policies"].read, again["policies"].changed) == (POLICIES, 0)


def test_policy_that_was_never_paid_does_not_expire(container: Container, openimis: Any) -> None:
    """openIMIS's nightly task ends every policy whose time is over."""
    change = (
        'UPDATE "tblPolicy" SET "PolicyStatus" = 8, "EffectiveDate" = NULL WHERE "PolicyID" = 1'
    )
    openimis.change(change)
    openimis.change('UPDATE "tblPolicy" SET "PolicyStatus" = 8 WHERE "PolicyID" = 2')
    read(container, openimis)
    assert count(container, Policy, Policy.status == PolicyStatus.IDLE) == 1
    assert count(container, Policy, Policy.status == PolicyStatus.EXPIRED) == 1


def test_other_databases_are_refused_without_a_word_of_the_url(
    container: Container, openimis: Any
) -> None:
    for url in ("mysql://u:secret@h/d", "nonsense:secret", "sqlite:///secret"):
        with pytest.raises(BadSource) as caught:
            open_source(url)
        assert "secret" not in str(caught.value)
    openimis.change('DROP TABLE "tblInsuree"')
    with pytest.raises(SourceAway, match="tblInsuree"):
        sync(container, openimis).run()


def questions(source: Source) -> Iterator[Select[Any]]:
    """All that is asked of openIMIS's database about a kind."""
    yield source.batch(0, 5_000, None)
    yield source.batch(0, 5_000, LONG_AGO)
    if source.kind == "indications":
        yield failed_attempts(1, 5_000)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.kind)
def test_questions_are_ones_that_sql_server_understands(source: Source) -> None:
    for question in questions(source):
        text = str(question.compile(dialect=SQL_SERVER))
        assert f"[{source.table.name}" in text
        assert re.match(r"SELECT (TOP |\[tbl)", text), text
        # Words and quotes of other servers.
        assert not re.search(r'LIMIT|ILIKE|::|ANY|"', text), text
        assert ("ORDER BY" in text) is ("TOP " in text)


def test_command_reports_each_kind_and_takes_the_url_from_the_environment(
    app: Flask, container: Container, openimis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENIMIS_DATABASE_URL", openimis.url)
    done = command(app, "sync", "openimis")
    unreachable = "postgresql://u:secret@127.0.0.1:1/d"
    rejected = command(app, "sync", "openimis", "--database-url", unreachable)
    assert done.exit_code == 0, done.output
    assert "policies: 34 read, 34 changed, 0 rejected, 0 waiting, 0 missing" in done.output
    assert (rejected.exit_code, "secret" in rejected.output) == (1, False)


def command(app: Flask, *arguments: str) -> Any:
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with app.app_context():
            return app.test_cli_runner().invoke(args=list(arguments))
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def test_guide_to_move_over_tells_each_family_once(
    app: Flask,
    api: Any,
    runs: Any,
    make_provider: Any,
    openimis: Any,
    today: date,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Load, compare counts, rehearse, sync once more, enable: the README's steps, mid-week."""
    monkeypatch.setenv("OPENIMIS_DATABASE_URL", openimis.url)
    due = openimis.policies[:10]
    for at, policy in enumerate(due):
        expiry = today - timedelta(days=at % 4)
        statement = 'UPDATE "tblPolicy" SET "ExpiryDate" = %s WHERE "PolicyID" = %s'
        openimis.change(statement, expiry, policy)
    notified_before, notified_meanwhile = due[:3], due[3:5]
    tell(openimis, notified_before, today)

    # 1 and 2: load with all types off, and compare.
    loaded = command(app, "sync", "openimis")
    assert loaded.exit_code == 0, loaded.output
    assert runs.on(today, eligible_types=frozenset())["found"] == 0
    counts = {one["kind"]: one for one in api.get("counts/").get_json()["data"]}
    found = [counts[kind]["current"] for kind in ("families", "insurees", "policies", "consents")]
    assert found == [FAMILIES, INSUREES, POLICIES, FAMILIES]
    assert {one["waiting"] for one in counts.values()} == {0}
    assert all("0 rejected, 0 waiting" in one for one in loaded.stdout.splitlines()), loaded.output

    # 3: rehearse; nothing is written.
    options = ["--dry-run", "--date", str(today), "--type", "expiration_of_policy"]
    lines = command(app, "run-triggers", *options).stdout.splitlines()
    would_go = [one for one in lines if "\tto +255" in one]
    assert (len(would_go), len(lines)) == (7, 10)
    assert runs.attempts() == []

    # 4: openIMIS told two more until its scheduler was stopped.
    tell(openimis, notified_meanwhile, today)
    again = command(app, "sync", "openimis")
    assert "indications: 5 read, 2 changed" in again.stdout

    # 5: enable; two runs of the first day.
    ours = make_provider()
    for _ in range(2):
        runs.on(today, ours, eligible_types=frozenset({T.EXPIRATION}))
    keys = dict(
        openimis.connection.execute('SELECT "PolicyUUID", "PolicyID" FROM "tblPolicy"').fetchall()
    )
    assert sorted(keys[str(one.policy)] for one in ours.taken) == due[5:]


def tell(openimis: Any, policies: list[int], today: date) -> None:
    """openIMIS's own module tells that these policies expire."""
    for policy in policies:
        openimis.add(
            "tblIndicationOfPolicyNotifications",
            "PolicyID",
            PolicyID=policy,
            NotificationOnExpirationSent=datetime.combine(today, datetime.min.time()),
        )


def test_nobody_is_told_twice_or_missed_over_a_week_that_openimis_half_told(
    runs: Any, provider: Any, container: Container, openimis: Any, today: date
) -> None:
    """On the third day of a week, with half of that day's messages sent, openIMIS hands over."""
    days = [today + timedelta(days=at) for at in range(7)]
    moved = days[2]
    due: list[tuple[int, NotificationType, date]] = []
    for at, policy in enumerate(openimis.policies[:24]):  # two a day expire, from last week on
        expiry = today - timedelta(days=5) + timedelta(days=at // 2)
        change = 'UPDATE "tblPolicy" SET "ExpiryDate" = %s WHERE "PolicyID" = %s'
        openimis.change(change, expiry, policy)
        due.append((policy, T.EXPIRATION, expiry))
        due.append((policy, T.AFTER_EXPIRY, expiry + timedelta(days=5)))
    notified_there = {
        (policy, type_)
        for policy, type_, day in due
        if day < moved or (day == moved and policy % 2 == 0)
    }
    for policy in {policy for policy, _ in notified_there}:
        notified = {
            column: LONG_AGO
            for type_, column in NOTIFIED_IN.items()
            if (policy, type_) in notified_there
        }
        openimis.add("tblIndicationOfPolicyNotifications", "PolicyID", PolicyID=policy, **notified)

    for day in days[2:]:
        read(container, openimis)  # kept in step, as a worker does
        for _ in range(2):
            runs.on(day, provider, eligible_types=frozenset(NOTIFIED_IN))

    keys = dict(
        openimis.connection.execute('SELECT "PolicyUUID", "PolicyID" FROM "tblPolicy"').fetchall()
    )
    notified_here = [(keys[str(one.policy)], one.type) for one in provider.taken]
    owed = {(policy, type_) for policy, type_, day in due if day <= days[-1]}
    assert sorted(notified_here) == sorted(owed - notified_there)
    assert len(notified_there) > len(notified_here) / 2 > 5


NOTIFIED_IN = {
    T.EXPIRATION: "NotificationOnExpirationSent",
    T.AFTER_EXPIRY: "NotificationAfterExpirationSent",
}
