"""What the approvals of one project are judged with, read once for all of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from mlops_tui.domain.errors import NotAllowedError, NotFoundError
from mlops_tui.domain.policy import ApprovalMode, ApprovalPolicy, Policy
from mlops_tui.domain.projects import Project, User
from mlops_tui.domain.promotions import is_production
from mlops_tui.gitlab.deployments import list_deployments
from mlops_tui.gitlab.members import Member, project_members
from mlops_tui.operations.deliveries import HISTORY, Delivery, read_delivery
from mlops_tui.operations.session import Session


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A project with its environments, newest deployments, policy and people.

    ``members`` is None where this token may not see them.
    """

    project: Project
    delivery: Delivery
    policy: Policy
    members: tuple[Member, ...] | None
    me: User

    def is_production(self, session: Session, environment: str, model: str) -> bool:
        """Whether a decision there needs the model's name typed."""
        place = self.delivery.environment(environment)
        policy = self.policy.for_model(model)
        return bool(environment) and is_production(place, environment, session.context.kind, policy)


async def read_surroundings(session: Session, project: Project) -> Surroundings:
    """Read it all at once."""
    delivery, policy, members, me = await asyncio.gather(
        read_delivery(session, project), session.policy(project), _members(session, project), session.identify()
    )
    return Surroundings(project, delivery, policy, members, me)


async def renew_surroundings(session: Session, known: Surroundings) -> Surroundings:
    """The same with the newest deployments; what seldom changes stays as it was read."""
    book = session.deployment_book(known.project.ref)
    deployments = await list_deployments(session.transport, known.project.ref, book, limit=HISTORY)
    return replace(known, delivery=replace(known.delivery, deployments=tuple(deployments)))


def approval_way(project: Project, policy: ApprovalPolicy) -> ApprovalMode:
    """How promotions are approved in a project: what AUTO comes down to there."""
    if policy.mode is not ApprovalMode.AUTO:
        return policy.mode
    return ApprovalMode.DEPLOYMENT if project.has_deployment_approvals else ApprovalMode.ISSUE


def way_sentence(project: Project, policy: ApprovalPolicy) -> str:
    """The way for a person, where it is not GitLab's own approval of deployments; else empty."""
    match approval_way(project, policy):
        case ApprovalMode.DEPLOYMENT if not project.has_deployment_approvals:
            return (
                f"{project.ref.path}: the policy asks for approvals of deployments, which this licence lacks; "
                "the policy's mode issue works everywhere"
            )
        case ApprovalMode.ISSUE if not project.has_deployment_approvals:
            return f"{project.ref.path}: this licence has no approvals of deployments, so issues are voted on"
        case _:
            return ""


async def _members(session: Session, project: Project) -> tuple[Member, ...] | None:
    try:
        return await project_members(session.transport, project.ref)
    except (NotAllowedError, NotFoundError):
        return None
