"""What GitLab shows of rollouts: everything a project holds of them, read once, and one rollout found in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mlops_tui.domain.api_calls import ApiCall
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.deployments import Deployment
from mlops_tui.domain.errors import ConfigError, NotAllowedError, NotFoundError
from mlops_tui.domain.feature_flags import FeatureFlag
from mlops_tui.domain.jobs import Job
from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.pipelines import Pipeline
from mlops_tui.domain.policy import Policy, RolloutDriver, RolloutPolicy
from mlops_tui.domain.projects import Project
from mlops_tui.domain.rollout_marks import RolloutMark, read_mark
from mlops_tui.domain.rollout_states import WHEN_SENT, Progress
from mlops_tui.domain.rollouts import Hindrance, Obstacle
from mlops_tui.gitlab.feature_flags import FlagList, list_flags
from mlops_tui.gitlab.jobs import pipeline_jobs
from mlops_tui.gitlab.pipelines import get_pipeline, list_pipelines
from mlops_tui.operations.actions import Performed, Sender
from mlops_tui.operations.deliveries import Delivery, read_delivery
from mlops_tui.operations.session import Session

_PIPELINES = 100


@dataclass(frozen=True, slots=True)
class ProjectReading:
    """A project's part in rollouts, read at one time.

    ``policy`` is empty where its file is wrong or hidden, which ``policy_error`` explains: a rollout has to be seen,
    and aborted, whatever the file says. ``flags`` is None where this token may not see them, which ``flags_error``
    explains. ``jobs`` are those of the pipelines that carry a rollout which is not over. ``now`` is GitLab's own time
    where it tells.
    """

    project: Project
    delivery: Delivery
    policy: Policy
    policy_error: ConfigError | NotAllowedError | None
    flags: FlagList | None
    flags_error: NotAllowedError | NotFoundError | None
    pipelines: tuple[Pipeline, ...]
    jobs: Mapping[int, tuple[Job, ...]]
    now: datetime

    def plan(self, model: str) -> RolloutPolicy | None:
        """The rollout that the policy file plans for a model now."""
        return self.policy.for_model(model).rollout


@dataclass(frozen=True, slots=True)
class Sighting:
    """One rollout as GitLab shows it.

    ``progress`` is what the mark says, corrected by what is seen beside it. ``versions`` and ``weights`` (percent of
    all traffic) are by new arm, in plan order. ``state`` is everything an action on it rests on, ``verdict``
    what is said of it now where it was judged, ``last_word`` the newest verdict that tells anything.
    ``blocked`` is the deployment of the next step's job, where GitLab calls it blocked; ``running`` the job that moves
    traffic, or deploys what it goes to, right now.
    """

    driver: RolloutDriver
    mark: RolloutMark
    progress: Progress
    versions: Mapping[str, str]
    weights: Mapping[str, float]
    is_changing: bool
    state: Mapping[str, JsonValue]
    obstacles: tuple[Obstacle, ...] = ()
    links: tuple[str, ...] = ()
    flags: tuple[FeatureFlag, ...] = ()
    pipeline: Pipeline | None = None
    jobs: tuple[Job, ...] = ()
    blocked: Deployment | None = None
    running: Job | None = None
    verdict: Verdict | None = None
    last_word: Verdict | None = None

    @property
    def is_half_way(self) -> bool:
        """Whether a change of it stopped between its calls."""
        return any(obstacle.kind is Hindrance.HALF_WAY for obstacle in self.obstacles)

    def mark_after(self, after: Progress) -> RolloutMark:
        """The mark to write when it goes on to ``after``, at the time of sending."""
        # A promotion rests on the last comparison that told anything; an abort on what was seen when it was decided.
        said = self.verdict if after.phase.is_abort else self.last_word
        # What was played and failed is in the mark too, so the trail goes on from what is seen.
        return replace(self.mark, progress=self.progress).moved_to(after, WHEN_SENT, said)


@dataclass(frozen=True, slots=True)
class Move:
    """A change that a driver can make: the calls for the preview, and how they are made.

    ``prepares`` is where they move no traffic yet: a clause of what they do first.
    """

    calls: tuple[ApiCall, ...]
    perform: Callable[[Sender], Awaitable[Performed]]
    prepares: str = ""


def sent_in_order(calls: Sequence[ApiCall], said: str) -> Move:
    """The calls one after the other; ``said`` is what came of them."""

    async def perform(sender: Sender) -> Performed:
        for call in calls:
            await sender.send(call)
        return Performed(said)

    return Move(tuple(calls), perform)


async def read_project(session: Session, project: Project) -> ProjectReading:
    """What ``survey_project`` reads, for an action on it: GitLab's time is the session's from then on."""
    reading = await survey_project(session, project)
    session.server_time = reading.now
    return reading


async def survey_project(session: Session, project: Project) -> ProjectReading:
    """Read a project's flags, pipelines, deployments and policy; the number of requests does not grow with them.

    A rollout's pipeline is found by its deployments too, however many pipelines were made since.
    """
    delivery, (policy, policy_error), (flags, error), pipelines = await asyncio.gather(
        read_delivery(session, project),
        _policy(session, project),
        _flags(session, project),
        list_pipelines(session.transport, project.ref, limit=_PIPELINES),
    )
    pipelines += await _older_pipelines(session, project, delivery, {pipeline.id for pipeline in pipelines})
    open_ids = _open_pipelines(pipelines)
    jobs = await asyncio.gather(*(pipeline_jobs(session.transport, project.ref, number) for number in open_ids))
    return ProjectReading(
        project=project,
        delivery=delivery,
        policy=policy,
        policy_error=policy_error,
        flags=flags,
        flags_error=error,
        pipelines=tuple(pipelines),
        jobs={number: tuple(found) for number, found in zip(open_ids, jobs, strict=True)},
        now=flags.server_time if flags and flags.server_time else session.clock.now(),
    )


async def read_flag_rollouts(session: Session, project: Project) -> ProjectReading:
    """Read what rollouts by feature flags rest on: no pipelines, and none of their jobs."""
    delivery, (policy, policy_error), (flags, error) = await asyncio.gather(
        read_delivery(session, project), _policy(session, project), _flags(session, project)
    )
    now = flags.server_time if flags and flags.server_time else session.clock.now()
    return ProjectReading(project, delivery, policy, policy_error, flags, error, (), {}, now)


def _open_pipelines(pipelines: Sequence[Pipeline]) -> list[int]:
    """The pipelines of rollouts that may be under way: of each model and environment only the newest can be."""
    newest: dict[tuple[str, str], tuple[Pipeline, RolloutMark]] = {}
    for pipeline in pipelines:
        mark = read_mark(pipeline.name)
        if mark is not None:
            place = (mark.model, mark.environment)
            known = newest.get(place)
            newest[place] = known if known and known[0].id > pipeline.id else (pipeline, mark)
    return [pipeline.id for pipeline, mark in newest.values() if not mark.progress.phase.is_over]


async def _older_pipelines(session: Session, project: Project, delivery: Delivery, known: set[int]) -> list[Pipeline]:
    """The newest rollout's pipeline of each model and environment, where so many came after it that no list has it."""
    newest: dict[tuple[str, str], int] = {}
    for item in delivery.deployments:
        if item.pipeline_id is not None and item.deployed is not None and item.deployed.mark.startswith("rollout "):
            place = (item.deployed.model, item.environment)
            newest[place] = max(newest.get(place, 0), item.pipeline_id)
    missing = sorted({*newest.values()} - known, reverse=True)
    found = await asyncio.gather(*(_pipeline(session, project, number) for number in missing))
    return [pipeline for pipeline in found if pipeline is not None]


async def _pipeline(session: Session, project: Project, number: int) -> Pipeline | None:
    try:
        return await get_pipeline(session.transport, project.ref, number)
    except (NotAllowedError, NotFoundError):
        return None


async def _policy(session: Session, project: Project) -> tuple[Policy, ConfigError | NotAllowedError | None]:
    try:
        return await session.policy(project), None
    except (ConfigError, NotAllowedError) as error:
        return Policy(), error


async def _flags(session: Session, project: Project) -> tuple[FlagList | None, NotAllowedError | NotFoundError | None]:
    try:
        return await list_flags(session.transport, project.ref), None
    except (NotAllowedError, NotFoundError) as error:
        return None, error
