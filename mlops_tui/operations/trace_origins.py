"""From an inference back to what GitLab knows of it."""

from __future__ import annotations

from mlops_tui.domain.commits import Commit
from mlops_tui.domain.errors import NotFoundError
from mlops_tui.domain.inferences import subject_of
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.domain.trace_origins import TraceOrigin, origin_of
from mlops_tui.gitlab.commits import get_commit
from mlops_tui.operations.models import ModelSummary, find_model
from mlops_tui.operations.session import Session
from mlops_tui.operations.trace_details import show_trace


async def trace_origin(session: Session, trace_id: str) -> TraceOrigin:
    """What a trace says of its origin: its first inference does, else its root.

    Raises:
        NotFoundError: The trace is not there.
    """
    trace = (await show_trace(session, trace_id)).data.trace
    return origin_of(next((span for span in trace.spans if subject_of(span).model), trace.roots[0]))


async def served_model(session: Session, origin: TraceOrigin) -> ModelSummary:
    """The model in the registry: that of the project which the span names, else the only one of its name.

    Raises:
        NotFoundError: No project of the context has such a model.
        UsageError: Several have, and the span does not say which.
    """
    if origin.project:
        try:
            project = await session.directory.project(origin.project)
            return await find_model(session, f"{project.ref.path}:{origin.model}")
        except NotFoundError:
            pass
    return await find_model(session, origin.model)


async def origin_project(session: Session, origin: TraceOrigin) -> ProjectRef:
    """The project that a span names.

    Raises:
        NotFoundError: There is none such, or this token may not see it.
    """
    if not origin.project:
        raise NotFoundError("The span names no project", remedy="Set gitlab.project.id on the service's resource")
    return (await session.directory.project(origin.project)).ref


async def origin_commit(session: Session, origin: TraceOrigin) -> Commit:
    """The commit that a span names."""
    return await get_commit(session.transport, await origin_project(session, origin), origin.commit)
