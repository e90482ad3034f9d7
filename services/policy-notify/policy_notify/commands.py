"""`flask --app policy_notify …`: what operators and containers run."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Never

import click
from common.audit.log import record_job
from common.clock import utc_now
from common.csv_reading import WINDOWS, format_of
from common.errors import Invalid
from common.gsm7 import measure
from common.jobs.worker import stop_on_signals
from tqdm import tqdm

from policy_notify.container import container
from policy_notify.errors import RunInProgress, RunLost
from policy_notify.intake.files import import_file, kind_of
from policy_notify.intake.kinds import KINDS
from policy_notify.intake.reading import reading_of
from policy_notify.intake.upsert import Outcome
from policy_notify.models import NotificationType
from policy_notify.retention import keep_bounded
from policy_notify.runs import lifecycle
from policy_notify.runs.decide import Verdict
from policy_notify.runs.lease import Lease
from policy_notify.runs.running import carry_out, rehearse
from policy_notify.runs.schedule import checked_day
from policy_notify.texts.check import check_texts


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(list(KINDS)), help="Default: what the file is called.")
@click.option("--encoding", help="Of a CSV file. Default: UTF-8, else Windows-1252.")
@click.option("--delimiter", help="Of a CSV file. Default: what its header has most of.")
@click.option("--date-format", help="Of days that are not as 2026-12-31; for 31/12/2026: %d/%m/%Y.")
@click.option("--unknown", type=click.Choice(["reject", "ignore", "refuse"]), default="reject")
def import_command(
    file: Path,
    kind: str | None,
    encoding: str | None,
    delimiter: str | None,
    date_format: str | None,
    unknown: str,
) -> None:
    """Read records from FILE (CSV with a header, or NDJSON) into the read model."""
    try:
        chosen = kind_of(file, kind)
        with file.open("rb") as opened:
            written = format_of(opened, encoding, delimiter)
    except (ValueError, LookupError) as exc:
        raise click.ClickException(str(exc)) from exc
    if written.encoding == WINDOWS and encoding is None:
        click.echo("The file is not UTF-8: it is read as Windows-1252", err=True)
    changes = {"date_format": date_format, "ignores_unknown": unknown == "ignore"}
    reading = reading_of(container().settings, **changes)
    stored = rejected = waiting = 0
    with tqdm(total=file.stat().st_size, unit="B", unit_scale=True, desc=chosen.name) as bar:
        batches = import_file(
            container().database, chosen, file, reading, written, lambda at: _advance(bar, at)
        )
        for numbers, outcome in batches:
            stored += outcome.stored
            rejected += len(outcome.rejected)
            waiting += len(outcome.waiting)
            _report_rejected(numbers, outcome)
    record_job("import.made", "import", chosen.name)
    click.echo(f"{stored} {chosen.name} stored, {rejected} rejected, {waiting} references wait")
    if rejected:
        sys.exit(1)


def _advance(bar: "tqdm[Never]", position: int) -> None:
    bar.update(position - bar.n)


def _report_rejected(numbers: list[int], outcome: Outcome) -> None:
    for one in outcome.rejected:
        reasons = "; ".join(f"{name}: {_words(why)}" for name, why in one.errors.items())
        click.echo(f"line {numbers[one.index]}: {reasons}", err=True)


def _words(why: object) -> str:
    return " ".join(map(str, why)) if isinstance(why, list) else str(why)


@click.command("run-triggers")
@click.option("--date", type=click.DateTime(["%Y-%m-%d"]), help="As if it were this day.")
@click.option("--dry-run", is_flag=True, help="Say who would get what; send and write nothing.")
@click.option(
    "--type",
    "types",
    multiple=True,
    type=click.Choice([one.value for one in NotificationType]),
    help="With --dry-run: as if this type were what is enabled; may be given several times.",
)
def run_triggers(date: datetime | None, dry_run: bool, types: tuple[str, ...]) -> None:
    """Find what is due, and send it."""
    settings = container().settings
    if types and not dry_run:
        raise click.UsageError("--type is for --dry-run; a run sends what is enabled")
    try:
        today = checked_day((date or utc_now().astimezone(settings.scheme_timezone)).date())
    except Invalid as exc:
        raise click.ClickException(str(exc)) from exc
    if dry_run:
        for verdict in rehearse(
            container(), today, frozenset(map(NotificationType, types)) or None
        ):
            click.echo(_line(verdict))
        return
    lease = Lease(settings.run_lease)
    stopping = stop_on_signals()
    try:
        run = lifecycle.begin_by_hand(container().database, lease, today, "run-triggers")
        ended = carry_out(container(), run, lease, stopping.is_set)
    except (RunInProgress, RunLost) as exc:
        raise click.ClickException(str(exc) or "Another worker took the run over") from exc
    if not ended:
        raise click.ClickException("Stopped; a worker goes on with the run")
    summary = lifecycle.summary_of(container().database, run.id)
    counts = ", ".join(
        f"{summary[name]} {name}" for name in ("found", "eligible", "sent", "failed")
    )
    click.echo(f"{today}: {counts}")


def _line(verdict: Verdict) -> str:
    candidate = verdict.candidate
    about = f"{candidate.type}\t{candidate.policy}\t{candidate.event_date}"
    if verdict.rejection is not None:
        return f"{about}\tstatus {int(verdict.status)}: {verdict.rejection.reason}"
    sms = measure(verdict.message or "")
    return (
        f"{about}\tto {candidate.recipient}\t{verdict.language}\t"
        f"{sms.segments} x {sms.encoding}\t{verdict.message}"
    )


@click.command("check-texts")
def check_texts_command() -> None:
    """Measure every text with realistic values; fail when one is not GSM-7."""
    foreign = 0
    for text in check_texts(container().texts):
        warning = f"\tnot GSM-7: {text.sms.foreign}" if text.sms.foreign else ""
        click.echo(
            f"{text.language}\t{text.key}\t{text.shortest}-{text.sms.segments} segments{warning}"
        )
        foreign += bool(text.sms.foreign)
    if foreign:
        raise click.ClickException(f"{foreign} texts are not GSM-7")


@click.command("seed-demo")
def seed_demo() -> None:
    """Add the demonstration's records, unless they are there; nothing is sent about them."""
    from policy_notify.demo import examples  # not part of the image

    with container().database.writing() as session:
        examples.seed(session, reading_of(container().settings), utc_now())


@click.command("purge")
def purge() -> None:
    """Forget messages' words and numbers, and consumed events, that have outlived their time."""
    removed = keep_bounded(container().database, container().settings)
    click.echo(", ".join(f"{count} {kind}" for kind, count in removed.items()))
