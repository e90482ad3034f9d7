"""`flask --app proxy export` and `apply`: the configuration as a file that can be kept in git."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from common.errors import Invalid
from common.importing.command import dry_run_option, explained

from proxy.container import container
from proxy.metadata.applying import ERROR, OUTCOMES, UNCHANGED, Finding, Outcome, apply_document
from proxy.metadata.documents import as_text, export_all

MAX_BYTES = 64 * 1024 * 1024
MAX_VALUE_CHARS = 160


@click.command("export")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Instead of stdout."
)
def export(output: Path | None) -> None:
    """Write mediators, channels, clients, registrations and staff as one document, no secrets."""
    with explained(), container().database.reading() as session:
        text = as_text(export_all(session))
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


@click.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@dry_run_option
def apply(file: Path, dry_run: bool) -> None:
    """Let this installation be as FILE says, an export of one; prints what changes.

    May be repeated. All of it is done, or nothing where a record does not fit. What is only here
    stays.
    """
    with explained():
        try:
            outcome = apply_document(container(), _read(file), is_dry_run=dry_run)
        except Invalid as exc:
            raise click.ClickException(str(exc)) from exc
    if dry_run:
        click.echo("A dry run: nothing was changed.")
    for line in lines(outcome):
        click.echo(line)
    if outcome.errors:
        raise click.ClickException("Nothing was changed: records do not fit, see above")


def _read(file: Path) -> Any:
    if file.stat().st_size > MAX_BYTES:
        raise click.ClickException(f"The file is larger than {MAX_BYTES} bytes")
    try:
        return json.loads(file.read_bytes())
    except (ValueError, RecursionError) as exc:
        raise click.ClickException("The file is not JSON") from exc


def lines(outcome: Outcome) -> Iterator[str]:
    """What an operator reads: counts, then each record that is not as the document says."""
    counts = ((one, outcome.count(one)) for one in OUTCOMES)
    yield ", ".join(f"{count} {one}" for one, count in counts)
    for finding in outcome.findings:
        if finding.outcome != UNCHANGED or finding.notes:
            yield from _said(finding)


def _said(finding: Finding) -> Iterator[str]:
    said = f": {'; '.join(finding.notes)}" if finding.notes else ""
    mark = "! " if finding.outcome == ERROR else ""
    yield f"{mark}{finding.kind} {finding.name!r}: {finding.outcome}{said}"
    for change in finding.changes:
        before, after = brief(change.before), brief(change.after)
        yield f"    {change.field}: {before} → {after}"


def brief(value: Any) -> str:
    """A value in one line, of a bounded length."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[:MAX_VALUE_CHARS]}…"
