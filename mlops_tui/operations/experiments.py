"""Which experiments there are, in all projects of the context."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mlops_tui.domain.errors import NotSignedInError, RemoteError, UsageError
from mlops_tui.domain.experiments import Experiment
from mlops_tui.domain.projects import ProjectRef
from mlops_tui.gitlab.experiments import list_experiments
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class FoundExperiments:
    """The experiments that could be read; ``error`` is why those of some project could not."""

    experiments: tuple[Experiment, ...]
    error: RemoteError | None = None


async def reachable_experiments(session: Session, name: str | None = None) -> FoundExperiments:
    """The experiments of all projects, newest first in each, or those called ``name`` (or of that number).

    Raises UsageError when no project has one of that name, and a project's own error when no project can be asked.
    """
    projects = await session.projects()
    answers = await asyncio.gather(*(_experiments_of(session, project.ref) for project in projects))
    errors = [answer for answer in answers if isinstance(answer, RemoteError)]
    if errors and len(errors) == len(answers):
        raise errors[0]
    every = tuple(item for answer in answers if not isinstance(answer, RemoteError) for item in answer)
    chosen = tuple(item for item in every if name is None or name in (item.name, str(item.iid)))
    if name is not None and not chosen:
        known = ", ".join(sorted({item.name for item in every})[:10]) or "none"
        raise UsageError(f"There is no experiment {name}", why=f"there are {known}", remedy="Name one of those")
    return FoundExperiments(chosen, errors[0] if errors else None)


async def _experiments_of(session: Session, project: ProjectRef) -> list[Experiment] | RemoteError:
    try:
        return await list_experiments(session.transport, project)
    except NotSignedInError:
        raise
    except RemoteError as error:
        return error
