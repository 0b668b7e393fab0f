"""Begin a rollout: check the plan, see what it is compared with, and preview the first step with all that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mlops_tui.domain.actions import ActionKind, Change, Confirmation, ConfirmationKind, Intent, Preview, Subject
from mlops_tui.domain.canonical import JsonValue
from mlops_tui.domain.deployments import LiveVersion, live_version
from mlops_tui.domain.errors import RefusedError, UsageError
from mlops_tui.domain.models import ModelVersion
from mlops_tui.domain.policy import Evidence, RolloutDriver, RolloutPolicy
from mlops_tui.domain.projects import Project, Role
from mlops_tui.domain.promotions import is_production
from mlops_tui.domain.rollout_marks import UNKNOWN_VERSION, RolloutMark, flag_name, require_writable
from mlops_tui.domain.rollout_states import WHEN_SENT, Stepped, begin
from mlops_tui.domain.rollout_states import follow as following
from mlops_tui.domain.rollout_weights import step_weights
from mlops_tui.domain.text import counted
from mlops_tui.operations.actions import Action, State, new_intent, refuse_when_read_only
from mlops_tui.operations.approval_requests import needed_grant
from mlops_tui.operations.evidence import read_evidence
from mlops_tui.operations.models import find_version
from mlops_tui.operations.rollouts.assembly import plan_digest
from mlops_tui.operations.rollouts.drivers import driver_of, sightings
from mlops_tui.operations.rollouts.history import GOES_TO, destination
from mlops_tui.operations.rollouts.pace import recent_pace
from mlops_tui.operations.rollouts.previews import PlanPreview, preview_of, step_changes
from mlops_tui.operations.rollouts.sightings import ProjectReading, read_project
from mlops_tui.operations.rollouts.surroundings import start_obstacles
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class _Start:
    reading: ProjectReading
    plan: RolloutPolicy
    versions: tuple[ModelVersion, ...]
    environment: str
    live: LiveVersion
    preview: PlanPreview

    @property
    def model(self) -> str:
        return self.versions[0].model


async def prepare_start(
    session: Session, project: Project, model: str, versions: Sequence[str], environment: str
) -> Action:
    """Preview a rollout of ``versions`` (one for each new arm, in plan order); nothing is sent.

    Raises UsageError where the policy plans none, the plan cannot work, or a version or the environment does not exist;
    RefusedError where one is under way, the version serves already, or an approval is missing.
    """
    refuse_when_read_only(session)
    await session.identify()
    start = await _read(session, project, model, versions, environment)
    _refuse_needless(start)
    await _refuse_unapproved(session, start)
    subject = Subject(session.context.origin, project.ref.path, model, versions[0], environment)
    intent = new_intent(session, ActionKind.START_ROLLOUT, subject, _state(start))
    require_writable(_marks(start, intent, start.reading.now))
    marks = _marks(start, intent, WHEN_SENT)
    move = await driver_of(start.plan.driver).start(session, start.reading, start.plan, marks)
    guarded = await start_obstacles(session, start.reading, environment, start.plan.driver)
    is_prod = _is_production(session, start)
    preview = Preview(
        intent=intent,
        title=f"Roll {model} {', '.join(versions)} out to {environment} in {counted(len(start.plan.steps), 'step')}",
        calls=move.calls,
        changes=(
            Change("weight", "0 %", f"{start.plan.steps[0].weight} %"),
            Change("compared with", "", start.live.version or "what serves there, of a version nobody can tell"),
            *step_changes(start.preview),
        ),
        confirmation=Confirmation(ConfirmationKind.TYPE_NAME, model) if is_prod else Confirmation(ConfirmationKind.YES),
        is_production=is_prod,
        obstacles=(*_obstacles(start), *guarded),
    )

    async def read_state() -> State:
        return _state(await _read(session, project, model, versions, environment))

    return Action(preview, read_state, move.perform)


async def _read(session: Session, project: Project, model: str, versions: Sequence[str], environment: str) -> _Start:
    reading = await read_project(session, project)
    if reading.policy_error is not None:
        raise reading.policy_error
    plan = reading.plan(model)
    if plan is None:
        raise UsageError(
            f"No rollout of {model} is planned",
            why=f"{project.ref.path} has no models.{model}.rollout in .gitlab/mlops.yml",
            remedy="Write one (see docs/rollouts.md), or deploy it at once with `mlops-tui models promote`",
        )
    if len(versions) != len(plan.treatments):
        raise UsageError(
            f"The plan has {counted(len(plan.treatments), 'new arm')} ({', '.join(plan.treatments)})",
            why=f"{counted(len(versions), 'version')} given",
            remedy="Name one version for each, in that order",
        )
    found = [(await find_version(session, project, model, version))[1] for version in versions]
    known = {item.name for item in reading.delivery.environments} | set(reading.policy.for_model(model).environments)
    if environment not in known:
        raise UsageError(
            f"There is no environment {environment}", why=f"the project has {', '.join(sorted(known)) or 'none'}"
        )
    live = live_version(reading.delivery.deployments, model, environment)
    pace = await recent_pace(session, project.ref, model, environment, plan, live.version, reading.now)
    return _Start(reading, plan, tuple(found), environment, live, preview_of(plan, pace))


def _refuse_needless(start: _Start) -> None:
    for sighting in sightings(start.reading):
        mark = sighting.mark
        if (mark.model, mark.environment) == (start.model, start.environment) and not sighting.progress.phase.is_over:
            raise RefusedError(
                f"A rollout of {mark.model} {mark.version} is under way in {mark.environment}",
                why=f"it is {sighting.progress.phase.value} on step {sighting.progress.step}",
                remedy=f"Finish it, or `mlops-tui rollouts abort {mark.id}`",
            )
    for version in start.versions:
        if version.version == start.live.version:
            raise RefusedError(f"{start.model} {version.version} is already live in {start.environment}")


async def _refuse_unapproved(session: Session, start: _Start) -> None:
    """A version that needs a vote needs it before it serves anybody, unless the vote is to see the canary's verdict."""
    approval = start.reading.policy.for_model(start.model).approval
    if Evidence.CANARY in approval.evidence:
        return
    for version in start.versions:
        evidence = await read_evidence(session, version)
        grant = await needed_grant(
            session,
            start.reading.project,
            evidence,
            start.environment,
            is_production=_is_production(session, start),
        )
        if grant is not None and not grant.is_given:
            what = f"{start.model} {version.version}"
            raise RefusedError(
                f"{what} is not approved for {start.environment}",
                why=grant.sentence,
                remedy=f"Ask with `mlops-tui approvals request {what} --to {start.environment}`",
            )


def _marks(start: _Start, intent: Intent, now: datetime) -> list[RolloutMark]:
    progress = begin(now)
    if start.plan.driver is RolloutDriver.FLAG:
        progress = following(progress, Stepped(1, now), len(start.plan.steps))
    return [
        RolloutMark(
            id=intent.id[:8],
            driver=start.plan.driver,
            plan=plan_digest(start.plan),
            model=start.model,
            version=version.version,
            control=start.live.version or UNKNOWN_VERSION,
            environment=start.environment,
            progress=progress,
            begun=now,
        )
        for version in start.versions
    ]


def _state(start: _Start) -> dict[str, JsonValue]:
    live = start.live
    return {
        "live version": live.version,
        "live deployment": live.deployment.id if live.deployment else None,
        "policy commit": start.reading.policy.commit,
        GOES_TO: _goes_to(start.plan),
        "version ids": [version.id for version in start.versions],
        "rollouts there": sorted(
            sighting.mark.id for sighting in sightings(start.reading) if not sighting.progress.phase.is_over
        ),
        **_flags(start),
    }


def _flags(start: _Start) -> dict[str, JsonValue]:
    """What the flags that this plan will use say; others may change meanwhile, as a watcher's lease always does."""
    if start.plan.driver is not RolloutDriver.FLAG or start.reading.flags is None:
        return {}
    said = {flag.name: flag.description for flag in start.reading.flags.flags}
    names = (flag_name(start.plan, start.model, treatment) for treatment in start.plan.treatments)
    return {f"flag {name}": said.get(name) for name in names}


def _goes_to(plan: RolloutPolicy) -> dict[str, JsonValue]:
    weight = plan.steps[0].weight if plan.driver is RolloutDriver.FLAG else 0
    shares = dict(step_weights(plan, weight))
    text = f"started: step 1 of {len(plan.steps)} at {weight} %" if weight else "started"
    return destination({plan.control: 100.0 - sum(shares.values()), **shares}, text)


def _is_production(session: Session, start: _Start) -> bool:
    place = start.reading.delivery.environment(start.environment)
    policy = start.reading.policy.for_model(start.model)
    return is_production(place, start.environment, session.context.kind, policy)


def _obstacles(start: _Start) -> list[str]:
    project, found = start.reading.project, list(start.preview.warnings)
    if project.role < Role.DEVELOPER:
        found.append(f"Moving traffic needs the role Developer, and yours is {project.role.title}")
    if start.live.version is None:
        found.append(
            "Nothing names the version that serves there: an abort can take the traffic back, but not deploy it"
        )
    found += [
        f"Deployment {item.id} is {item.status.value} there"
        for item in start.reading.delivery.under_way(start.environment)
    ]
    found += [
        f"Deployment {item.id} of {item.deployed.version if item.deployed else 'a version nobody can tell'} waits for "
        "somebody there: it changes what is compared as soon as it is let through"
        for item in start.reading.delivery.waiting(start.model, start.environment)[:1]
    ]
    return found
