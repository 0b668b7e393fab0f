"""From an inference to the model version, rollout, job or commit it came from."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from mlops_tui.domain.errors import MlopsError
from mlops_tui.domain.trace_origins import TraceOrigin, origin_of
from mlops_tui.domain.traces import Span
from mlops_tui.screens.acting import awaited
from mlops_tui.screens.view import View
from mlops_tui.widgets.chooser import Choice, Chooser
from mlops_tui.widgets.command_line import CommandLine
from mlops_tui.widgets.commands import Command

if TYPE_CHECKING:
    from mlops_tui.operations.session import Session

ASKING = "Asking GitLab…"
NO_JOB = "the span names no CI job (gitlab.ci.job.id)"
NO_COMMIT = "the span names no commit (service.version, vcs.ref.head.revision)"
NO_MODEL = "the span names no model (ml.model.name)"


def go_from_span(view: View, span: Span) -> None:
    """Let a person choose where to go from a span."""
    _choose(view, origin_of(span))


def go_from_trace(view: View, trace_id: str) -> None:
    """Let a person choose where to go from a trace, which is read first."""

    async def work(session: Session) -> None:
        from mlops_tui.operations.trace_origins import trace_origin

        _choose(view, await trace_origin(session, trace_id))

    _run(view, work)


def follow_log(view: View, span: Span) -> None:
    """Follow the log of the job that a span names."""
    origin = origin_of(span)
    if origin.job_id is None:
        view.notify(f"No log: {NO_JOB}", markup=False)
    else:
        _go_to_job(view, origin)


def _choose(view: View, origin: TraceOrigin) -> None:
    has_rollouts = any(name.name == "rollouts" for name in view.host.view_names)
    choices = [
        Choice("version", "Model version", f"{origin.model} {origin.version}", "" if origin.model else NO_MODEL),
        *([Choice("rollout", "Rollouts", origin.model, "" if origin.model else NO_MODEL)] if has_rollouts else []),
        Choice("job", "CI job", f"log of {origin.job_id}", "" if origin.job_id is not None else NO_JOB),
        Choice("commit", "Commit", origin.commit[:12], "" if origin.commit else NO_COMMIT),
    ]
    ways: dict[str, Callable[[View, TraceOrigin], None]] = {
        "version": _go_to_version,
        "rollout": _go_to_rollouts,
        "job": _go_to_job,
        "commit": _go_to_commit,
    }

    def go(chosen: str | None) -> None:
        if chosen is not None:
            ways[chosen](view, origin)

    view.app.push_screen(Chooser("Go to", choices), go)


def _go_to_version(view: View, origin: TraceOrigin) -> None:
    async def work(session: Session) -> None:
        from mlops_tui.operations.trace_origins import served_model
        from mlops_tui.screens.model import ModelView
        from mlops_tui.screens.version import VersionView

        summary = await awaited(view, ASKING, served_model(session, origin))
        if summary is None:
            return
        if any(version.version == origin.version for version in summary.model.versions):
            view.app.push_screen(VersionView(summary.name, origin.version, summary))
            return
        view.app.push_screen(ModelView(summary.name, summary))
        if origin.version:
            view.notify(f"The registry has no version {origin.version} of {summary.name}", markup=False)

    _run(view, work)


def _go_to_rollouts(view: View, origin: TraceOrigin) -> None:
    view.post_message(CommandLine.Commanded(Command(view="rollouts", filter=origin.rollout or origin.model)))


def _go_to_job(view: View, origin: TraceOrigin) -> None:
    async def work(session: Session) -> None:
        from mlops_tui.operations.trace_origins import origin_project
        from mlops_tui.screens.job_log import JobLogView

        project = await awaited(view, ASKING, origin_project(session, origin))
        if project is not None and origin.job_id is not None:
            view.app.push_screen(JobLogView(project, origin.job_id, f"{origin.model} {origin.version}".strip()))

    _run(view, work)


def _go_to_commit(view: View, origin: TraceOrigin) -> None:
    async def work(session: Session) -> None:
        from mlops_tui.operations.trace_origins import origin_commit
        from mlops_tui.widgets.details import DetailsDialog

        commit = await awaited(view, ASKING, origin_commit(session, origin))
        if commit is not None:
            value = {
                "sha": commit.sha,
                "title": commit.title,
                "author": commit.author,
                "committed_at": commit.committed_at.isoformat() if commit.committed_at else None,
                "url": commit.web_url or None,
            }
            view.app.push_screen(DetailsDialog(f"Commit {commit.short_sha}", value))

    _run(view, work)


def _run(view: View, work: Callable[[Session], Coroutine[Any, Any, None]]) -> None:
    session = view.host.session
    if session is None:
        view.notify("Everything is still being loaded", markup=False)
        return

    async def told() -> None:
        try:
            await work(session)
        except MlopsError as error:
            view.notify(str(error), title="Go to", severity="error", timeout=10, markup=False)

    view.run_worker(told(), group="going", exclusive=True, exit_on_error=False)
