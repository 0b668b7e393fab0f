"""The inbox: everything that waits for a person over all projects, and one thing by its id."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mlops_tui.domain.approvals import Approval, ApprovalId, ApprovalKind, ApprovalState, in_inbox_order
from mlops_tui.domain.errors import MlopsError, NotSignedInError, UnreachableError
from mlops_tui.domain.projects import Project, User
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.operations.deployment_approvals import deployment_approval, job_approval, waiting_deployments
from mlops_tui.operations.merge_request_approvals import merge_request_approval, waiting_merge_requests
from mlops_tui.operations.promotion_requests import request_approval, waiting_requests
from mlops_tui.operations.session import Session
from mlops_tui.operations.surroundings import Surroundings, read_surroundings, way_sentence


@dataclass(frozen=True, slots=True)
class Inbox:
    """What waits, what one may settle first; ``notices`` are sentences about projects and how they approve."""

    approvals: tuple[Approval, ...]
    notices: tuple[str, ...]
    me: User

    @property
    def for_me(self) -> tuple[Approval, ...]:
        """What the token's own user may decide now."""
        return tuple(item for item in self.approvals if item.can_decide)


async def list_approvals(session: Session) -> Snapshot[Inbox]:
    """Everything that waits in the projects of the context.

    A project that cannot be read is told of in the notices and hides no other; an error that concerns all of them
    raises.
    """
    projects = await session.projects()
    parts = await asyncio.gather(*(_of_project(session, project) for project in projects))
    found = [approval for approvals, _ in parts for approval in approvals]
    notices = [notice for _, said in parts for notice in said]
    return session.snapshot(Inbox(in_inbox_order(found), tuple(notices), await session.identify()))


async def find_approval(session: Session, approval_id: ApprovalId) -> Approval:
    """One approval as it is now, whether it still waits or not; raises NotFoundError where there is none."""
    return (await find_with_surroundings(session, approval_id))[0]


async def find_with_surroundings(session: Session, approval_id: ApprovalId) -> tuple[Approval, Surroundings]:
    """One approval with what it was judged with."""
    project = await session.directory.project(approval_id.project_id)
    around = await read_surroundings(session, project)
    match approval_id.kind:
        case ApprovalKind.DEPLOYMENT:
            return await deployment_approval(session, around, approval_id.number), around
        case ApprovalKind.MANUAL_JOB:
            return await job_approval(session, around, approval_id.number), around
        case ApprovalKind.MERGE_REQUEST:
            return await merge_request_approval(session, around, approval_id.number), around
        case ApprovalKind.ISSUE:
            return await request_approval(session, around, approval_id.number), around


async def _of_project(session: Session, project: Project) -> tuple[list[Approval], list[str]]:
    try:
        around = await read_surroundings(session, project)
        parts = await asyncio.gather(
            waiting_deployments(session, around),
            waiting_merge_requests(session, around),
            waiting_requests(session, around),
        )
    except (UnreachableError, NotSignedInError):
        raise
    except MlopsError as error:
        return [], [f"{project.ref.path} is left out: {error.what}: {error.why}"]
    said = {way_sentence(project, model.approval) for model in around.policy.models.values()} - {""}
    return [item for part in parts for item in part if item.state.is_open or _tells(item)], sorted(said)


def _tells(approval: Approval) -> bool:
    """Whether something that no vote can change is worth a row: an open request that was rejected or overtaken."""
    return approval.id.kind is ApprovalKind.ISSUE and approval.state in {
        ApprovalState.REJECTED,
        ApprovalState.SUPERSEDED,
    }
