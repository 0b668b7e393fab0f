"""What one can ask of the model registry: models, versions, where each is live, and what was live when."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

from mlops_tui.domain.deployments import LiveVersion, live_steps, live_version
from mlops_tui.domain.environments import Tier
from mlops_tui.domain.errors import UnknownNameError, UsageError
from mlops_tui.domain.models import Model, ModelVersion
from mlops_tui.domain.projects import Project
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.versions import in_version_order
from mlops_tui.gitlab import models as registry
from mlops_tui.operations.deliveries import Delivery, read_delivery
from mlops_tui.operations.production import Production, read_production
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A version that serves, in an environment of this tier."""

    live: LiveVersion
    tier: Tier
    is_production: bool


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """A model with what serves it now, one row for each environment and version."""

    project: Project
    model: Model
    live: tuple[LiveRow, ...]

    @property
    def name(self) -> str:
        """GROUP/PROJECT:NAME, which is never ambiguous."""
        return f"{self.project.ref.path}:{self.model.name}"

    def live_in(self, version: str) -> tuple[str, ...]:
        """The environments that ``version`` serves now."""
        return tuple(row.live.environment for row in self.live if row.live.version == version)


async def list_models(session: Session) -> Snapshot[tuple[ModelSummary, ...]]:
    """Every model of every project of the context, with its versions and what is live."""
    projects = await session.projects()
    found = await asyncio.gather(*(_project_models(session, project) for project in projects))
    return session.snapshot(tuple(summary for part in found for summary in part))


async def find_model(session: Session, name: str) -> ModelSummary:
    """The one model that ``name`` means: NAME, or GROUP/PROJECT:NAME.

    Raises UsageError when several projects have it (naming them) and UnknownNameError when none has.
    """
    path, _, bare = name.rpartition(":")
    projects = [project for project in await session.projects() if not path or project.ref.path == path]
    found = [summary for summary in await _named(session, projects, bare) if summary is not None]
    if len(found) > 1:
        raise UsageError(
            f"Several projects have a model {bare}",
            why=", ".join(summary.name for summary in found),
            remedy="Write it as one of those",
        )
    if not found:
        raise UnknownNameError(
            f"There is no model {name}",
            why="none of the projects of this context has it, or this token may not see it",
            remedy="List them with `mlops-tui models list`",
        )
    return found[0]


async def show_model(session: Session, name: str) -> Snapshot[ModelSummary]:
    """One model as ``find_model`` finds it."""
    return session.snapshot(await find_model(session, name))


async def find_version(session: Session, project: Project, name: str, number: str) -> tuple[Model, ModelVersion]:
    """A version of a model of one project.

    Raises UsageError when the model has no such version, naming the newest that it has.
    """
    summaries = [summary for summary in await _named(session, [project], name) if summary is not None]
    if not summaries:
        raise UnknownNameError(f"There is no model {name} in {project.ref.path}")
    model = summaries[0].model
    return model, version_of(model, number)


async def read_version(session: Session, project: Project, name: str, number: str) -> ModelVersion | None:
    """A version of a model of one project, read without what is live; None where there is none of it."""
    for model in await registry.list_models(session.transport, project.ref):
        if model.name == name:
            versions = await registry.list_versions(session.transport, model)
            return next((item for item in versions if item.version == number), None)
    return None


def version_of(model: Model, number: str) -> ModelVersion:
    """A version among those of a model; raises UsageError when it has no such version, naming the newest it has."""
    version = next((item for item in model.versions if item.version == number), None)
    if version is None:
        known = ", ".join(item.version for item in model.versions[:5]) or "none"
        remedy = "Name one of those"
        raise UsageError(f"{model.name} has no version {number}", why=f"its newest are {known}", remedy=remedy)
    return version


async def live_versions(session: Session, name: str, at: datetime | None = None) -> Snapshot[tuple[LiveRow, ...]]:
    """What serves a model in each environment, or served at a past moment; production first.

    An environment that the model never reached has a row without a version.
    """
    summary = await find_model(session, name)
    delivery, production = await _delivered(session, summary.project)
    return session.snapshot(_every_row(delivery, production, summary.model.name, at))


def live_rows(
    delivery: Delivery, production: Production, model: str, at: datetime | None = None
) -> tuple[LiveRow, ...]:
    """What serves one model, from what was read of its project."""
    return tuple(row for row in _every_row(delivery, production, model, at) if row.live.version is not None)


async def _delivered(session: Session, project: Project) -> tuple[Delivery, Production]:
    return await asyncio.gather(read_delivery(session, project), read_production(session, project))


def _every_row(delivery: Delivery, production: Production, model: str, at: datetime | None) -> tuple[LiveRow, ...]:
    rows: list[LiveRow] = []
    for environment in delivery.environments:
        live = live_version(delivery.deployments, model, environment.name, at)
        parts = (live, *live_steps(delivery.deployments, live, at))
        rows += [LiveRow(part, environment.tier, production.counts(environment, model)) for part in parts]
    return tuple(rows)


async def _project_models(session: Session, project: Project) -> list[ModelSummary]:
    models, (delivery, production) = await asyncio.gather(
        registry.list_models(session.transport, project.ref), _delivered(session, project)
    )
    filled = await asyncio.gather(*(_with_known_versions(session, model) for model in models))
    return [ModelSummary(project, model, live_rows(delivery, production, model.name)) for model in filled]


async def _named(session: Session, projects: list[Project], name: str) -> list[ModelSummary | None]:
    async def look(project: Project) -> ModelSummary | None:
        models = await registry.list_models(session.transport, project.ref)
        model = next((item for item in models if item.name == name), None)
        if model is None:
            return None
        filled, (delivery, production) = await asyncio.gather(
            _with_versions(session, model), _delivered(session, project)
        )
        return ModelSummary(project, filled, live_rows(delivery, production, name))

    return list(await asyncio.gather(*(look(project) for project in projects)))


async def _with_known_versions(session: Session, model: Model) -> Model:
    """Read the versions again only when there are more or fewer: a list that is polled shows nothing else of them."""
    known = session.known_versions.get((model.project.id, model.id), ())
    if len(known) != model.version_count:
        return await _with_versions(session, model)
    return _filled(model, known)


async def _with_versions(session: Session, model: Model) -> Model:
    versions = await registry.list_versions(session.transport, model)
    session.known_versions[model.project.id, model.id] = versions
    return _filled(model, versions)


def _filled(model: Model, versions: tuple[ModelVersion, ...]) -> Model:
    newest = next(iter(in_version_order((item.version for item in versions), newest_first=True)), None)
    latest = next((item for item in versions if item.version == newest), None)
    return replace(model, versions=versions, latest=latest, version_count=len(versions))
