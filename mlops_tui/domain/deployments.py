"""Deployments: what was put where, and what follows from their history: what is live, and where to go back to.

A deployment says nothing of a model. Its version is read from what GitLab keeps beside it, in this order: the name of
its pipeline ("fraud 1.2.0 -> production"), the pipeline's variables, a tag such as "fraud/1.2.0". It is never guessed
from a commit, because one commit can deploy any version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from mlops_tui.domain.jobs import Job
from mlops_tui.domain.projects import ProjectRef

_VERSION = r"[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
_PIPELINE_NAME = re.compile(
    rf"^(?P<model>\S+) (?P<version>{_VERSION}) -> (?P<environment>\S+)(?: \[(?P<mark>[^\]]*)\])?$"
)
_TAG = re.compile(rf"^(?P<model>\S+)/(?P<version>{_VERSION})$")
_STEP = re.compile(r"^(?:.*[\s:_-])?(?P<percent>[0-9]{1,3})\s?%$")
_CANARIES = frozenset({"canary", "deploy_canary", "deploy canary"})
_CANARY_SHARE = 50.0


class DeploymentStatus(StrEnum):
    """GitLab's states of a deployment (GitLab: app/models/deployment.rb)."""

    CREATED = "created"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"

    @classmethod
    def parse(cls, word: str) -> DeploymentStatus:
        """Read a state; unknown words are UNKNOWN."""
        try:
            return cls(word)
        except ValueError:
            return cls.UNKNOWN

    @property
    def is_finished(self) -> bool:
        """Whether the deployment has come to its end."""
        return self in {
            DeploymentStatus.SUCCESS,
            DeploymentStatus.FAILED,
            DeploymentStatus.CANCELED,
            DeploymentStatus.SKIPPED,
        }

    @property
    def has_touched(self) -> bool:
        """Whether the deployment may have changed what serves: it ran, wholly or in part."""
        return self in {
            DeploymentStatus.RUNNING,
            DeploymentStatus.SUCCESS,
            DeploymentStatus.FAILED,
            DeploymentStatus.CANCELED,
        }


@dataclass(frozen=True, slots=True)
class DeployedVersion:
    """A model and its version as a deployment carries them; ``mark`` is what our pipeline names add in brackets."""

    model: str
    version: str
    mark: str = ""

    @property
    def is_rollback(self) -> bool:
        """Whether the pipeline was made to go back to this version."""
        return self.mark.startswith("rollback")


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment; ``job`` is None for one that was recorded from outside of GitLab's pipelines.

    ``deployed`` is None while no source names the version. ``can_retry`` is False for a job known to be beyond retry.
    """

    id: int
    iid: int
    project: ProjectRef
    environment: str
    ref: str
    sha: str
    status: DeploymentStatus
    created_at: datetime
    finished_at: datetime | None
    username: str
    job: Job | None
    pipeline_id: int | None
    deployed: DeployedVersion | None = None

    @property
    def share(self) -> float | None:
        """The percentage of traffic this rollout step moved, or None for a full deployment."""
        return rollout_share(self.job.name) if self.job else None

    @property
    def is_full(self) -> bool:
        """Whether it replaced the version before it altogether."""
        return self.share is None

    @property
    def took_effect_at(self) -> datetime:
        """When it was live from: the end of its job, or its creation where that is not told."""
        return self.finished_at or self.created_at


@dataclass(frozen=True, slots=True)
class LiveVersion:
    """What serves one model in one environment during one period.

    ``version`` is None when nothing was ever deployed there that names the model. ``share`` is the percentage of
    traffic; ``until`` is None while it lasts. ``unknown_since`` is the time of a later deployment that names no
    version: the answer may then be out of date, and nobody can know.
    """

    model: str
    environment: str
    version: str | None
    share: float
    deployment: Deployment | None
    since: datetime | None
    until: datetime | None = None
    unknown_since: datetime | None = None


def rollout_share(job_name: str) -> float | None:
    """The share in percent that a job of this name moves, or None when it deploys in full.

    The names are those of GitLab's Auto DevOps template (GitLab: lib/gitlab/ci/templates/Jobs/Deploy.gitlab-ci.yml),
    and any that ends in a percentage: the jobs that a rollout's plan names have to.
    """
    name = job_name.strip().lower()
    if name in _CANARIES:
        return _CANARY_SHARE
    step = _STEP.match(name)
    percent = float(step["percent"]) if step else 100.0
    return percent if percent < 100 else None


def resolve_version(
    pipeline_name: str, variables: Mapping[str, str] | None, ref: str, is_tag: bool
) -> DeployedVersion | None:
    """Which version a deployment carries: its pipeline's name, then its variables, then its tag; else None."""
    named = _PIPELINE_NAME.match(pipeline_name.strip())
    if named:
        return DeployedVersion(named["model"], named["version"], named["mark"] or "")
    if variables:
        model, version = variables.get("MODEL_NAME", ""), variables.get("MODEL_VERSION", "")
        if model and version:
            return DeployedVersion(model, version)
    tagged = _TAG.match(ref) if is_tag else None
    return DeployedVersion(tagged["model"], tagged["version"]) if tagged else None


def pipeline_name(model: str, version: str, environment: str, mark: str = "") -> str:
    """The name that ``resolve_version`` reads back."""
    return f"{model} {version} -> {environment}" + (f" [{mark}]" if mark else "")


def history_of(deployments: Iterable[Deployment], model: str, environment: str) -> list[Deployment]:
    """The successful deployments of ``model`` in ``environment`` (steps too), oldest effect first."""
    own = (
        deployment
        for deployment in deployments
        if deployment.environment == environment
        and deployment.status is DeploymentStatus.SUCCESS
        and deployment.deployed is not None
        and deployment.deployed.model == model
    )
    return sorted(own, key=_order)


def live_version(
    deployments: Sequence[Deployment], model: str, environment: str, at: datetime | None = None
) -> LiveVersion:
    """What served ``model`` in ``environment`` at ``at`` (default: after the last deployment given)."""
    full = [item for item in history_of(deployments, model, environment) if item.is_full]
    started = [item for item in full if at is None or item.took_effect_at <= at]
    if not started:
        return LiveVersion(model, environment, None, 0.0, None, None)
    current = started[-1]
    later = [item for item in full if _order(item) > _order(current)]
    return LiveVersion(
        model=model,
        environment=environment,
        version=current.deployed.version if current.deployed else None,
        share=100.0 - _step_share(deployments, current, at),
        deployment=current,
        since=current.took_effect_at,
        until=later[0].took_effect_at if later else None,
        unknown_since=_unknown_after(deployments, current, at),
    )


def live_steps(deployments: Sequence[Deployment], live: LiveVersion, at: datetime | None = None) -> list[LiveVersion]:
    """The version that a rollout has begun to bring in beside ``live``; empty when none is under way."""
    step = _newest_step(deployments, live.deployment, at) if live.deployment else None
    if step is None or step.deployed is None or step.share is None or step.deployed.version == live.version:
        return []
    return [LiveVersion(live.model, live.environment, step.deployed.version, step.share, step, step.took_effect_at)]


def rolled_back_from(full_history: Sequence[Deployment], journaled: frozenset[int] = frozenset()) -> frozenset[int]:
    """The ids of deployments that somebody went back from.

    A deployment was rolled back from when the next one re-ran an older pipeline, or was made as a rollback, or when the
    journal (``journaled``, deployment ids) says so. ``full_history`` is in order of effect.
    """
    ids = set(journaled)
    seen: set[int] = set()
    for before, after in pairwise(full_history):
        if before.pipeline_id is not None:
            seen.add(before.pipeline_id)
        is_rerun = after.pipeline_id in seen and after.pipeline_id != before.pipeline_id
        is_marked = after.deployed is not None and after.deployed.is_rollback
        if (is_rerun or is_marked) and _version(after) != _version(before):
            ids.add(before.id)
    return frozenset(ids)


def known_good(
    deployments: Sequence[Deployment], model: str, environment: str, journaled: frozenset[int] = frozenset()
) -> list[Deployment]:
    """Where one may go back to, best first: one deployment per earlier version, the newest run of each.

    The first is the newest full successful deployment of another version than the live one that was not itself rolled
    back from. A version that was ever left by a rollback and not promoted anew is not offered, so that going back twice
    never returns to it.
    """
    full = [item for item in history_of(deployments, model, environment) if item.is_full]
    if not full:
        return []
    bad = rolled_back_from(full, journaled)
    offered: list[Deployment] = []
    decided = {_version(full[-1])}
    for item in reversed(full[:-1]):
        version = _version(item)
        if version in decided:
            continue
        decided.add(version)
        if item.id not in bad:
            offered.append(item)
    return offered


def _version(deployment: Deployment) -> str | None:
    return deployment.deployed.version if deployment.deployed else None


def _order(deployment: Deployment) -> tuple[datetime, int]:
    return deployment.took_effect_at, deployment.id


def _newest_step(deployments: Sequence[Deployment], current: Deployment, at: datetime | None) -> Deployment | None:
    model = current.deployed.model if current.deployed else ""
    steps = [
        item
        for item in history_of(deployments, model, current.environment)
        if not item.is_full and _order(item) > _order(current) and (at is None or item.took_effect_at <= at)
    ]
    return steps[-1] if steps else None


def _step_share(deployments: Sequence[Deployment], current: Deployment, at: datetime | None) -> float:
    step = _newest_step(deployments, current, at)
    return step.share or 0.0 if step and _version(step) != _version(current) else 0.0


def _unknown_after(deployments: Sequence[Deployment], current: Deployment, at: datetime | None) -> datetime | None:
    unknown = [
        item
        for item in deployments
        if item.environment == current.environment
        and item.status is DeploymentStatus.SUCCESS
        and item.deployed is None
        and _order(item) > _order(current)
        and (at is None or item.took_effect_at <= at)
    ]
    return max(unknown, key=_order).took_effect_at if unknown else None
