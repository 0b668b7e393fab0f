"""``mlops-tui journal``: what was done from this machine, and whether that record is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_tui.cli.errors import tell
from mlops_tui.cli.moments import moment_of
from mlops_tui.cli.options import Format, GlobalOptions, noun, takes_global_options
from mlops_tui.cli.output import Listing, print_listing, write_json, write_line
from mlops_tui.cli.session import ask
from mlops_tui.cli.tables import Column
from mlops_tui.config.paths import Paths, private_folder
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.errors import ConfigError, ExitCode, UsageError

if TYPE_CHECKING:
    from mlops_tui.domain.journal import JournalEntry
    from mlops_tui.operations.governance import Report
    from mlops_tui.operations.journal import Story
    from mlops_tui.operations.journal_comparison import Comparison
    from mlops_tui.storage.journal import Journal

app = noun("journal", "The journal of actions: every change that was asked for from this machine.")

_STORIES = (
    Column("#", "sequence", is_number=True),
    Column("at", "at"),
    Column("action", "action"),
    Column("model", "model"),
    Column("version", "version"),
    Column("environment", "environment"),
    Column("outcome", "outcome"),
    Column("by", "by"),
    Column("intent", "intent"),
)
_ENTRIES = (
    Column("#", "sequence", is_number=True),
    Column("at", "at"),
    Column("kind", "kind"),
    Column("intent", "intent"),
    Column("payload", "payload"),
    Column("hash", "hash"),
)
_REPORT = (
    Column("entries", "entries", is_number=True),
    Column("holds", "holds"),
    Column("broken at", "broken_at", is_number=True),
    Column("reason", "reason"),
    Column("compared", "compared", is_number=True),
    Column("differences", "differences"),
    Column("head", "head"),
)


@app.command("list")
@takes_global_options
def list_stories(
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many, the newest.")] = None,
    *,
    options: GlobalOptions,
) -> None:
    """List the actions, newest first, each with what came of it."""
    from mlops_tui.operations.journal import stories

    with _journal() as journal:
        items = [_story_item(story) for story in stories(journal, limit)]
    _print("journal", _STORIES, items, options)


@app.command("show")
@takes_global_options
def show(
    which: Annotated[str, typer.Argument(metavar="INTENT|NUMBER", help="The intent, or the number of an entry.")],
    *,
    options: GlobalOptions,
) -> None:
    """Show every entry of one action, with what was sent and what came back."""
    with _journal() as journal:
        entries = journal.entries()
    wanted = {entry.intent_id for entry in entries if which in {entry.intent_id, str(entry.sequence)}}
    if not wanted and len(which) >= 8:
        wanted = {entry.intent_id for entry in entries if entry.intent_id.startswith(which)}
    if len(wanted) != 1:
        what = "Several actions begin so" if wanted else "The journal has no such action"
        raise UsageError(what, why=f"asked for was {which!r}", remedy="See mlops-tui journal list")
    _print("journal-entries", _ENTRIES, [_entry_item(entry) for entry in entries if entry.intent_id in wanted], options)


@app.command("verify")
@takes_global_options
def verify(
    offline: Annotated[bool, typer.Option("--offline", help="Ask GitLab nothing.")] = False,
    *,
    options: GlobalOptions,
) -> None:
    """Walk the whole chain of entries and hold it against GitLab; the exit status is 1 where they differ.

    Without a context the chain alone is verified.
    """
    with _journal() as journal:
        report = journal.verify()
    compared = None if offline or not report.holds else _comparison(options)
    differences = [item.what for item in compared.differences] if compared else []
    item = {
        "entries": report.entries,
        "holds": report.holds,
        "broken_at": report.broken_at,
        "reason": report.reason or None,
        "head": report.head,
        "compared": compared.compared if compared else None,
        "differences": differences,
    }
    _print("journal-report", _REPORT, [item], options)
    if not report.holds:
        tell(f"The journal is broken at entry {report.broken_at}: {report.reason}.")
    for difference in differences:
        tell(f"{difference}.")
    if differences or not report.holds:
        raise typer.Exit(ExitCode.GATE)


@app.command("export")
@takes_global_options
def export(
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="Only this model.")] = "",
    version: Annotated[str, typer.Option("--of-version", metavar="VERSION", help="Only this version.")] = "",
    environment: Annotated[str, typer.Option("--environment", metavar="NAME", help="Only this environment.")] = "",
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="From then on.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Write report.md, report.json and MANIFEST.sha256.")
    ] = None,
    *,
    options: GlobalOptions,
) -> None:
    """Report who did what, when, on which evidence and with which result, ready to be signed off.

    The report names the head of the journal; its files can be signed with ``ssh-keygen -Y sign -n file``.
    """
    from mlops_tui.operations.governance import Selection, make_report

    selection = Selection(
        model, version, environment, moment_of(since) if since else None, moment_of(until) if until else None
    )
    with _journal() as journal:
        report = make_report(journal, selection, SystemClock().now())
    if folder is not None:
        _write_report(report, folder)
    elif options.format in {Format.JSON, Format.NDJSON}:
        write_json(report.document())
    else:
        write_line(report.markdown().rstrip("\n"))
    if not report.chain.holds:
        raise typer.Exit(ExitCode.GATE)


def _write_report(report: Report, folder: Path) -> None:
    from mlops_tui.operations.governance import manifest_text

    document = json.dumps(report.document(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    files = (("report.md", report.markdown()), ("report.json", document))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (*files, ("MANIFEST.sha256", manifest_text(files))):
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written", why=str(error), remedy="Name another folder") from error
    tell(f"Wrote report.md, report.json and MANIFEST.sha256 to {folder}")


def _comparison(options: GlobalOptions) -> Comparison | None:
    """Hold the journal against the context's GitLab; None where no context is set up."""
    from mlops_tui.operations.journal_comparison import compare_with_gitlab

    try:
        return ask(options, compare_with_gitlab)
    except ConfigError as error:
        tell(f"Compared with no GitLab: {error}")
        return None


@contextmanager
def _journal() -> Iterator[Journal]:
    from mlops_tui.storage.journal import Journal

    path = Paths.of_user().journal_file
    private_folder(path.parent)
    journal = Journal(path, SystemClock())
    try:
        for notice in journal.notices:
            tell(notice)
        yield journal
    finally:
        journal.close()


def _print(schema: str, columns: tuple[Column, ...], items: list[dict[str, Any]], options: GlobalOptions) -> None:
    source = str(Paths.of_user().journal_file)
    print_listing(Listing(schema, columns, items, SystemClock().now(), source), options.format)


def _story_item(story: Story) -> dict[str, Any]:
    subject = story.intent.subject
    return {
        "sequence": story.sequence,
        "at": story.at,
        "intent": story.intent.id,
        "action": story.intent.kind,
        "host": subject.host,
        "project": subject.project,
        "model": subject.model,
        "version": subject.version or None,
        "environment": subject.environment or None,
        "reason": story.intent.reason or None,
        "by": story.intent.by or None,
        "outcome": story.outcome,
        "message": story.receipt.message if story.receipt else None,
        "links": story.receipt.links if story.receipt else (),
    }


def _entry_item(entry: JournalEntry) -> dict[str, Any]:
    return {
        "sequence": entry.sequence,
        "at": entry.at,
        "kind": entry.kind,
        "intent": entry.intent_id,
        "payload": json.loads(entry.payload),
        "previous": entry.previous,
        "hash": entry.hash,
    }
