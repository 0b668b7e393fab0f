"""Deployments that wait for approvals, and manual jobs that a pipeline waits for, as approvals of one kind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from mlops_tui.domain.approval_states import ApprovalState, Obstacle
from mlops_tui.domain.approvals import Approval, ApprovalId, ApprovalKind, ApprovalRule, Decision, Standing, Vote
from mlops_tui.domain.deployments import Deployment, DeploymentStatus
from mlops_tui.domain.errors import NotAllowedError, NotFoundError, UnknownNameError
from mlops_tui.domain.jobs import Job
from mlops_tui.domain.pipelines import PipelineStatus
from mlops_tui.domain.projects import Role, User
from mlops_tui.gitlab.approvals import DeploymentRule, deployment_rules
from mlops_tui.gitlab.deployments import get_deployment
from mlops_tui.gitlab.jobs import gating_jobs, get_job, playable_by_me
from mlops_tui.gitlab.members import Member, group_members
from mlops_tui.operations.deliveries import Delivery
from mlops_tui.operations.session import Session
from mlops_tui.operations.surroundings import Surroundings


async def waiting_deployments(session: Session, around: Surroundings) -> list[Approval]:
    """Every deployment and every gating job of a project that waits for a person."""
    jobs = await gating_jobs(session.transport, around.project.ref)
    blocked = [item for item in around.delivery.deployments if item.status is DeploymentStatus.BLOCKED]
    waiting = [item for item in blocked if item.job is None or item.job.status is PipelineStatus.MANUAL]
    deployed = {item.job.id for item in blocked if item.job is not None}
    others = [job for job in jobs if job.id not in deployed]
    return [
        *await _of_deployments(session, around, waiting),
        *await _of_jobs(session, around, [(job, None) for job in others]),
    ]


async def deployment_approval(session: Session, around: Surroundings, deployment_id: int) -> Approval:
    """One deployment with approval rules, whatever became of it.

    Raises NotFoundError when it has no rules: it is then a manual job.
    """
    book = session.deployment_book(around.project.ref)
    deployment = await get_deployment(session.transport, around.project.ref, book, deployment_id)
    for found in await _of_deployments(session, around, [deployment]):
        if found.id.kind is ApprovalKind.DEPLOYMENT:
            return found
    raise UnknownNameError(
        f"Deployment {deployment_id} needs no approval",
        why="no approval rule holds for its environment, or this token may not see it",
        remedy="A manual job is named manual_job:PROJECT:JOB",
    )


async def job_approval(session: Session, around: Surroundings, job_id: int) -> Approval:
    """One manual job, whatever became of it."""
    job = await get_job(session.transport, around.project.ref, job_id)
    deployment = next((item for item in around.delivery.deployments if item.job and item.job.id == job_id), None)
    (found,) = await _of_jobs(session, around, [(job, deployment)])
    return found


async def _of_deployments(session: Session, around: Surroundings, deployments: Sequence[Deployment]) -> list[Approval]:
    if not around.project.has_deployment_approvals:
        return await _of_jobs(session, around, [(item.job, item) for item in deployments if item.job])
    rules = await deployment_rules(session.transport, around.project.ref, deployments)
    groups = await _group_people(session, rules.values())
    ruled = [item for item in deployments if rules.get(item.id)]
    plain = [(item.job, item) for item in deployments if not rules.get(item.id) and item.job]
    approvals = [_approval(session, around, item, rules[item.id] or (), groups) for item in ruled]
    return approvals + await _of_jobs(session, around, plain)


async def _group_people(
    session: Session, found: Iterable[tuple[DeploymentRule, ...] | None]
) -> dict[int, tuple[User, ...]]:
    """The members of every group that a rule names; groups that this token may not see are left out."""
    numbers = sorted({rule.group_id for rules in found for rule in rules or () if rule.group_id is not None})

    async def look(number: int) -> tuple[User, ...] | None:
        try:
            return tuple(member.user for member in await group_members(session.transport, number, inherited=False))
        except (NotAllowedError, NotFoundError):
            return None

    people = await asyncio.gather(*(look(number) for number in numbers))
    return {number: users for number, users in zip(numbers, people, strict=True) if users is not None}


def _approval(
    session: Session,
    around: Surroundings,
    deployment: Deployment,
    rules: Sequence[DeploymentRule],
    groups: dict[int, tuple[User, ...]],
) -> Approval:
    triggerer = _person(around, deployment.username)
    votes = tuple(vote for rule in rules for vote in rule.votes)
    shown = tuple(_rule(rule, around.members, groups) for rule in rules)
    state = Standing(
        missing=sum(rule.missing for rule in shown),
        rejections=sum(vote.decision is Decision.REJECTED for vote in votes),
        has_run=deployment.status in {DeploymentStatus.RUNNING, DeploymentStatus.SUCCESS},
        has_ended=deployment.status.is_finished,
        is_superseded=_is_superseded(around.delivery, deployment),
    ).state
    deployed = deployment.deployed
    model = deployed.model if deployed else ""
    what = f"{deployed.model} {deployed.version}" if deployed else f"{deployment.ref} at {deployment.sha[:8]}"
    admits = any(rule.admits_me for rule in shown)
    return Approval(
        id=ApprovalId(ApprovalKind.DEPLOYMENT, around.project.ref.id, deployment.id),
        project=around.project,
        title=f"Deploy {what} to {deployment.environment}",
        model=model,
        version=deployed.version if deployed else "",
        environment=deployment.environment,
        is_production=around.is_production(session, deployment.environment, model),
        requested_by=triggerer,
        waiting_since=deployment.created_at,
        state=state,
        rules=shown,
        votes=votes,
        obstacle=_obstacle(around, state, shown, votes, triggerer),
        may_reject=state is ApprovalState.WAITING and admits,
        web_url=deployment.job.web_url if deployment.job else "",
        sha=deployment.sha,
        job_id=deployment.job.id if deployment.job else None,
        job_name=deployment.job.name if deployment.job else "",
        pipeline_id=deployment.pipeline_id,
        deployment_id=deployment.id,
    )


def _rule(
    rule: DeploymentRule, members: tuple[Member, ...] | None, groups: dict[int, tuple[User, ...]]
) -> ApprovalRule:
    eligible: tuple[User, ...] | None
    if rule.user is not None:
        eligible = (rule.user,)
    elif rule.group_id is not None:
        eligible = groups.get(rule.group_id)
    else:
        eligible = (
            None
            if members is None or rule.level is None
            else tuple(member.user for member in members if member.role >= rule.level)
        )
    return ApprovalRule(rule.name, rule.required, rule.approved, eligible, rule.admits_me, rule.represented_as)


def _obstacle(
    around: Surroundings,
    state: ApprovalState,
    rules: Sequence[ApprovalRule],
    votes: Sequence[Vote],
    triggerer: User | None,
) -> Obstacle | None:
    settled = Obstacle.of_state(state)
    if settled is not None:
        return settled
    if around.project.role < Role.REPORTER:
        return Obstacle.ROLE
    admitting = [rule for rule in rules if rule.admits_me]
    if not admitting:
        return Obstacle.NOT_ON_RULE
    is_own = triggerer is not None and triggerer.username == around.me.username
    if is_own and not around.project.triggerer_may_approve:
        return Obstacle.TRIGGERER
    served = {vote.rule for vote in votes if vote.user.id == around.me.id and vote.decision is Decision.APPROVED}
    open_rules = [rule for rule in admitting if rule.missing and rule.name not in served]
    if open_rules:
        return None
    return Obstacle.VOTED if served else Obstacle.NOT_ON_RULE


def _is_superseded(delivery: Delivery, deployment: Deployment) -> bool:
    """Whether a later deployment of the same model to the same place has taken effect."""
    model = deployment.deployed.model if deployment.deployed else None
    return any(
        item.id > deployment.id
        and item.environment == deployment.environment
        and item.status is DeploymentStatus.SUCCESS
        and (model is None or item.deployed is None or item.deployed.model == model)
        for item in delivery.deployments
    )


async def _of_jobs(
    session: Session, around: Surroundings, jobs: Sequence[tuple[Job, Deployment | None]]
) -> list[Approval]:
    manual = [job.id for job, _ in jobs if job.status is PipelineStatus.MANUAL]
    playable = await playable_by_me(session.transport, around.project.ref, manual)
    return [_manual_job(session, around, job, deployment, playable) for job, deployment in jobs]


def _manual_job(
    session: Session, around: Surroundings, job: Job, deployment: Deployment | None, playable: dict[int, bool]
) -> Approval:
    deployed = deployment.deployed if deployment else None
    environment = deployment.environment if deployment else ""
    model = deployed.model if deployed else ""
    is_waiting = job.status is PipelineStatus.MANUAL
    state = Standing(
        missing=int(is_waiting),
        has_run=job.status in {PipelineStatus.RUNNING, PipelineStatus.SUCCESS, PipelineStatus.PENDING},
        has_ended=job.status.is_finished,
        is_superseded=deployment is not None and _is_superseded(around.delivery, deployment),
    ).state
    may = playable.get(job.id, around.project.role >= Role.DEVELOPER)
    lacking = Obstacle.ROLE if around.project.role < Role.DEVELOPER else Obstacle.NOT_DEPLOYER
    what = f"{deployed.model} {deployed.version}" if deployed else f"{job.name} on {job.ref}"
    return Approval(
        id=ApprovalId(ApprovalKind.MANUAL_JOB, around.project.ref.id, job.id),
        project=around.project,
        title=f"Start {what}" + (f" to {environment}" if environment else ""),
        model=model,
        version=deployed.version if deployed else "",
        environment=environment,
        is_production=around.is_production(session, environment, model),
        requested_by=_person(around, job.username or (deployment.username if deployment else "")),
        waiting_since=job.created_at or session.clock.now(),
        state=state,
        rules=(ApprovalRule("who may start it", 1, int(not is_waiting), None, may),),
        votes=(),
        obstacle=Obstacle.of_state(state) or (None if may else lacking),
        may_reject=False,
        web_url=job.web_url,
        sha=job.sha,
        job_id=job.id,
        job_name=job.name,
        pipeline_id=job.pipeline_id,
        deployment_id=deployment.id if deployment else None,
    )


def _person(around: Surroundings, username: str) -> User | None:
    if not username:
        return None
    known = {member.user.username: member.user for member in around.members or ()}
    return known.get(username) or User(0, username, username)
